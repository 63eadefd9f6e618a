import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from './support/built_host.js';
import { type HostProcess, killHosts, startHost } from './support/host_process.js';
import { sendRaw, statusOf } from './support/raw_http.js';

const app = join(repository, 'test/functions_host/apps/http');
let host: HostProcess;

beforeAll(async () => {
  host = await startHost({
    app,
    env: {
      'AzureWebJobs.switchedOff.Disabled': 'true',
      EASYAUTH_GATEWAY_SECRET: 'gateway-secret',
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1000',
    },
  });
});
afterAll(killHosts);

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  query: [string, string][];
  params: Record<string, string>;
  body: string;
}

async function echo(path: string, init?: RequestInit): Promise<Echo> {
  const answer = await fetch(host.url + path, init);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Echo;
}

function status(path: string, init?: RequestInit): Promise<number> {
  return fetch(host.url + path, init).then((answer) => answer.status);
}

/** One request as text, closing the connection; `headers` are whole lines. */
function raw(
  requestLine: string,
  headers: readonly string[] = ['Host: localhost'],
  body = '',
): Promise<string> {
  return sendRaw(host.url, [requestLine, ...headers, 'Connection: close', '', body].join('\r\n'));
}

async function rawEcho(headers: readonly string[], path = '/echo'): Promise<Echo> {
  const answer = await raw(`GET ${path} HTTP/1.1`, headers);
  return JSON.parse(/\{.*\}/s.exec(answer)?.[0] ?? 'null') as Echo;
}

describe('loading', () => {
  it('serves ES module and CommonJS entry files side by side', async () => {
    expect(await (await fetch(`${host.url}/common`)).text()).toBe('common common');
    expect(await status('/empty')).toBe(200);
  });
});

describe('routing', () => {
  it('gives a request to the first matching function by name, not by the narrower template', async () => {
    expect(await (await fetch(`${host.url}/items/search`)).text()).toBe('getItem');
  });

  it('answers a wrong method with an empty 404', async () => {
    const answer = await fetch(`${host.url}/items/1`, { method: 'DELETE' });
    expect([answer.status, await answer.text()]).toEqual([404, '']);
  });

  it('serves HEAD and OPTIONS only where they are listed', async () => {
    expect(await status('/head', { method: 'HEAD' })).toBe(200);
    expect(await status('/head', { method: 'OPTIONS' })).toBe(200);
    expect(await status('/head')).toBe(404);
    expect(await status('/echo', { method: 'HEAD' })).toBe(404);
    expect(await status('/echo', { method: 'OPTIONS' })).toBe(404);
  });

  it('ignores case and one trailing slash, but not an empty segment', async () => {
    expect(await status('/ITEMS/1/')).toBe(200);
    expect(await status('/items//1')).toBe(404);
  });

  it('leaves an absent optional parameter out of params and fills in a default', async () => {
    expect((await echo('/optional')).params).toEqual({});
    expect((await echo('/optional/x')).params).toEqual({ a: 'x' });
    expect((await echo('/typed/7')).params).toEqual({ id: '7', kind: 'plain' });
  });

  it('answers 404 where a constraint does not hold', async () => {
    expect(await status('/typed/seven')).toBe(404);
    expect(await status('/typed/0')).toBe(404);
  });

  it('decodes route values, all but %2F, and hands a catch-all the rest of the path', async () => {
    expect((await echo('/echo/a%20b%2Fc/d')).params).toEqual({ rest: 'a b%2Fc/d' });
  });

  it('does not route a function that is switched off', async () => {
    expect(await status('/switchedOff')).toBe(404);
  });

  it('resolves dot segments before routing, also when they are escaped', async () => {
    const answer = await raw('GET /items/%2e%2e/common HTTP/1.1');
    expect(answer).toContain('common common');
  });

  it('shows a page at / and 404 everywhere else', async () => {
    const answer = await fetch(host.url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await status('/nowhere')).toBe(404);
  });
});

describe('the request a function sees', () => {
  it('has the URL as it was sent, with the Host header', async () => {
    const seen = await rawEcho(['Host: contoso.test:81'], '/echo/a%20b?x=1&x=2');
    expect(seen.url).toBe('http://contoso.test:81/echo/a%20b?x=1&x=2');
  });

  it('joins repeated query parameters with a comma, whatever their case', async () => {
    expect((await echo('/echo?x=1&X=2&y=&x=3')).query).toEqual([
      ['x', '1,2,3'],
      ['y', ''],
    ]);
  });

  it('joins repeated headers with a comma and no space, Cookie too', async () => {
    const seen = await rawEcho(['Host: localhost', 'Cookie: a=1', 'X-A: 1', 'cookie: b=2', 'x-a: 2']);
    expect([seen.headers.cookie, seen.headers['x-a']]).toEqual(['a=1,b=2', '1,2']);
  });

  it('has the body when its length was declared', async () => {
    expect((await echo('/echo', { method: 'POST', body: 'grüße' })).body).toBe('grüße');
  });

  it('has an empty body when the request was chunked', async () => {
    const lines = [
      'POST /echo HTTP/1.1',
      'Host: localhost',
      'Transfer-Encoding: chunked',
      'Connection: close',
    ];
    const answer = await sendRaw(host.url, `${lines.join('\r\n')}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
    expect(answer).toContain('"body":""');
  });

  it('is refused with 413 above the body limit', async () => {
    expect(await status('/echo', { method: 'POST', body: 'x'.repeat(1000) })).toBe(200);
    expect(await status('/echo', { method: 'POST', body: 'x'.repeat(1001) })).toBe(413);
  });

  it('may have 32 KiB of headers and is refused with 431 above that', async () => {
    const head = ['Host: localhost'];
    const used = 'Host: localhost\r\nConnection: close\r\nX-Large: \r\n'.length;
    const fits = await raw('GET /empty HTTP/1.1', [...head, `X-Large: ${'x'.repeat(32_768 - used)}`]);
    const tooLong = await raw('GET /empty HTTP/1.1', [...head, `X-Large: ${'x'.repeat(32_769 - used)}`]);
    expect([statusOf(fits), statusOf(tooLong)]).toEqual([200, 431]);
  });

  it('from the gateway may have 64 KiB of headers, since tokens and principal come on top of the client’s own', async () => {
    const head = ['Host: localhost', 'X-EasyAuth-Gateway-Secret: gateway-secret'];
    const fits = await raw('GET /empty HTTP/1.1', [...head, `X-Large: ${'x'.repeat(65_000)}`]);
    const tooLong = await raw('GET /empty HTTP/1.1', [...head, `X-Large: ${'x'.repeat(65_536)}`]);
    expect([statusOf(fits), statusOf(tooLong)]).toEqual([200, 431]);
  });

  it('may have 100 header fields and is refused with 431 above that', async () => {
    const fields = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1`);
    const fits = await raw('GET /empty HTTP/1.1', ['Host: localhost', ...fields(98)]);
    const tooMany = await raw('GET /empty HTTP/1.1', ['Host: localhost', ...fields(99)]);
    expect([statusOf(fits), statusOf(tooMany)]).toEqual([200, 431]);
  });

  it('is refused with 414 when its first line is longer than 8 KiB', async () => {
    expect(statusOf(await raw(`GET /empty?${'x'.repeat(8200)} HTTP/1.1`))).toBe(414);
  });

  it('is refused with 400 for an invalid Host or a NUL in its path', async () => {
    expect(statusOf(await raw('GET /empty HTTP/1.1', ['Host: a b']))).toBe(400);
    expect(statusOf(await raw('GET /empty%00 HTTP/1.1'))).toBe(400);
  });
});

describe('platform headers', () => {
  const forged = [
    'Host: localhost',
    'X-MS-CLIENT-PRINCIPAL: e30=',
    'x-ms-client-principal-id: victim',
    'X-Ms-Token-Aad-Access-Token: token',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: contoso.test',
    'X-Other: kept',
  ];
  const platform = (seen: Echo) =>
    Object.keys(seen.headers).filter((name) => /principal|token|secret/.test(name));

  it('are removed from a request that shows no gateway secret', async () => {
    const seen = await rawEcho(forged);
    expect([platform(seen), seen.headers['x-other'], seen.url]).toEqual([
      [],
      'kept',
      'http://localhost/echo',
    ]);
  });

  it.each(['wrong-secret!!', '', 'gateway-secre', 'gateway-secret,gateway-secret'])(
    'are removed from a request with the gateway secret %j',
    async (secret) => {
      expect(platform(await rawEcho([...forged, `X-EasyAuth-Gateway-Secret: ${secret}`]))).toEqual([]);
    },
  );

  it('pass with the right secret, which itself never does, and the URL is the one the gateway was asked for', async () => {
    const seen = await rawEcho([...forged, 'X-EasyAuth-Gateway-Secret: gateway-secret']);
    expect(platform(seen)).toEqual([
      'x-ms-client-principal',
      'x-ms-client-principal-id',
      'x-ms-token-aad-access-token',
    ]);
    expect(seen.url).toBe('https://contoso.test/echo');
  });

  it('never pass when no secret is configured', async () => {
    const open = await startHost({ app });
    const answer = await fetch(`${open.url}/echo`, {
      headers: { 'x-ms-client-principal-id': 'victim', 'x-easyauth-gateway-secret': '' },
    });
    expect(platform((await answer.json()) as Echo)).toEqual([]);
  });
});

describe('the response', () => {
  it.each([
    ['/nothing', 204, ''],
    ['/empty', 200, ''],
    ['/text', 500, ''],
    ['/throws', 500, ''],
    ['/noContent', 204, ''],
    ['/wrongLength', 500, ''],
  ])('of %s is %i with an empty body', async (path, expected, body) => {
    const answer = await fetch(host.url + path);
    expect([answer.status, await answer.text()]).toEqual([expected, body]);
  });

  it('carries JSON and bytes as the function gave them, chunked', async () => {
    const created = await fetch(`${host.url}/created`);
    expect([created.status, created.headers.get('content-type')]).toEqual([201, 'application/json']);
    expect([created.headers.get('transfer-encoding'), created.headers.get('content-length')]).toEqual([
      'chunked',
      null,
    ]);
    expect(await created.json()).toEqual({ a: 1 });
    const bytes = await fetch(`${host.url}/bytes`);
    expect([...new Uint8Array(await bytes.arrayBuffer())]).toEqual([0, 1, 2, 255]);
    expect(bytes.headers.get('content-type')).toBeNull();
  });

  it('has the custom headers of host.json, where the function set none itself, also on errors', async () => {
    const created = await fetch(`${host.url}/created`);
    expect([created.headers.get('x-from'), created.headers.get('x-content-type-options')]).toEqual([
      'function',
      'nosniff',
    ]);
    expect((await fetch(`${host.url}/nowhere`)).headers.get('x-from')).toBe('host');
    expect((await fetch(`${host.url}/throws`)).headers.get('x-from')).toBe('host');
  });

  it('writes cookies with encoded value, default path and lower-case attributes, and drops expiry 0', async () => {
    const answer = await fetch(`${host.url}/cookies`);
    expect(answer.headers.getSetCookie()).toEqual([
      'plain=a%20b%3Bc; path=/',
      'full=1; expires=Wed, 02 Jan 2030 03:04:05 GMT; max-age=60; domain=contoso.test; path=/x; secure; samesite=lax; httponly',
      'gone=; path=/; samesite=none',
    ]);
  });
});

describe('the log', () => {
  it('names function and invocation, and honours the levels of host.json', async () => {
    await fetch(`${host.url}/quiet`);
    const line = await host.line(/error is shown/);
    expect(line).toMatch(
      /^\S+Z error Function\.quiet\.User error is shown function=quiet invocation=[0-9a-f-]{36}$/,
    );
    expect(host.output()).not.toContain('information is not shown');
  });

  it('tells why an invocation failed, which its client is not told', async () => {
    await fetch(`${host.url}/throws`);
    expect(await host.line(/error Function\.throws failed: Error: secret reason/)).toBeTruthy();
  });
});
