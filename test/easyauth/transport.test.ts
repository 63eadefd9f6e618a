import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { startGateway } from '../../easyauth/gateway.js';
import { createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;
const dispatcher = new Agent({ maxHeaderSize: 131_072 });
afterAll(() => dispatcher.close());

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await wait(10);
  expect(condition()).toBe(true);
}

function raw(lines: string[], rest = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(stack().gateway.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(`${lines.join('\r\n')}\r\n\r\n${rest}`);
  });
}

describe('§1 bodies in both directions [I]', () => {
  it('a body with a known length reaches the app with Content-Length, byte for byte', async () => {
    const body = randomBytes(5_000_000);
    const answer = await request(at('/public/up'), { method: 'POST', body, dispatcher });
    const seen = (await answer.body.json()) as Seen;
    expect(seen.headers['content-length']).toEqual([String(body.length)]);
    expect(seen.headers['transfer-encoding']).toBeUndefined();
    expect(seen.sha256).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it('a chunked body stays chunked', async () => {
    async function* parts() {
      for (let index = 0; index < 10; index += 1) {
        yield Buffer.from(`part ${index};`);
        await wait(2);
      }
    }
    const body = Readable.from(parts());
    const answer = await request(at('/public/up'), { method: 'PUT', body, dispatcher });
    const seen = (await answer.body.json()) as Seen;
    expect(seen.headers['transfer-encoding']).toEqual(['chunked']);
    expect(seen.bytes).toBe(70);
  });

  it('a large answer arrives whole', async () => {
    const answer = await request(at('/public/large'), { dispatcher });
    expect(answer.headers['content-length']).toBe('8000000');
    expect((await answer.body.arrayBuffer()).byteLength).toBe(8_000_000);
  });

  it('events arrive one by one, and a client that leaves ends them at the app', async () => {
    const before = stack().app.aborted;
    const controller = new AbortController();
    const answer = await request(at('/public/sse'), { dispatcher, signal: controller.signal });
    const reader = answer.body[Symbol.asyncIterator]();
    expect(String((await reader.next()).value)).toContain('data: 1');
    expect(String((await reader.next()).value)).toContain('data: 2');
    controller.abort();
    await reader.next().catch(() => undefined);
    await until(() => stack().app.aborted > before);
  });

  it('Expect: 100-continue is answered before the body and only once the request is let in', async () => {
    const ask = (path: string) =>
      new Promise<{ continued: boolean; status: number }>((resolve, reject) => {
        const outgoing = httpRequest({
          port: stack().gateway.port,
          host: '127.0.0.1',
          path,
          method: 'POST',
          headers: { expect: '100-continue', 'content-length': 4 },
        });
        let continued = false;
        outgoing.on('continue', () => {
          continued = true;
          outgoing.end('body');
        });
        outgoing.on('response', (answer) => {
          resolve({ continued, status: answer.resume().statusCode ?? 0 });
          outgoing.destroy();
        });
        outgoing.on('error', reject);
        outgoing.flushHeaders();
      });
    expect(await ask('/public/up')).toEqual({ continued: true, status: 200 });
    expect(await ask('/api')).toEqual({ continued: false, status: 401 });
  });

  it('an early answer of the app to a large upload reaches the client', async () => {
    const answer = await request(at('/public/early'), {
      method: 'POST',
      body: Buffer.alloc(3_000_000),
      dispatcher,
    });
    expect([answer.statusCode, await answer.body.text()]).toEqual([413, 'too large']);
  });
});

describe('§1 §11 headers in both directions and their limits [O/I]', () => {
  it('every Set-Cookie of the app arrives; hop-by-hop headers do not', async () => {
    const answer = await createBrowser().ask(at('/public/cookies'));
    expect(answer.setCookies).toEqual(['a=1', 'b=2']);
    expect(answer.headers['x-hop']).toBeUndefined();
    expect(answer.headers['x-stay']).toBe('here');
  });

  it('60 kB of request headers pass, more is a 431', async () => {
    const passes = await request(at('/public/x'), { headers: { 'x-large': 'x'.repeat(60_000) }, dispatcher });
    const seen = (await passes.body.json()) as Seen;
    expect(seen.headers['x-large']?.[0]?.length).toBe(60_000);
    const text = await raw(['GET / HTTP/1.1', 'Host: localhost', `X-Large: ${'x'.repeat(70_000)}`]);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('32 kB of injected headers reach the app', async () => {
    const browser = createBrowser();
    stack().provider.script.user = {
      groups: Array.from({ length: 400 }, (_, i) => `group-${i}-${'g'.repeat(20)}`),
    };
    await browser.signIn(at('/.auth/login/aad'));
    stack().provider.script.user = {};
    const seen = (await browser.ask(at('/api'))).json<Seen>();
    const injected = Object.entries(seen.headers).filter(([name]) => name.startsWith('x-ms-'));
    expect(injected.flatMap(([, values]) => values).join('').length).toBeGreaterThan(32_000);
  });

  it('a request that is no HTTP is a 400, and conflicting lengths are refused', async () => {
    expect(await raw(['NONSENSE'])).toMatch(/^HTTP\/1\.1 400 /);
    const both = [
      'POST /public/x HTTP/1.1',
      'Host: localhost',
      'Content-Length: 3',
      'Transfer-Encoding: chunked',
    ];
    expect(await raw(both, '0\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('the absolute form of a target is judged as its path, for this host only', async () => {
    const host = `localhost:${stack().gateway.port}`;
    const ask = (target: string) => raw([`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close']);
    expect(await ask(`http://${host}/api`)).toMatch(/^HTTP\/1\.1 401 /);
    expect(await ask(`http://${host}/public/x`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask('http://elsewhere.test/public/x')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('§1 an app in trouble [I]', () => {
  it('a dropped connection is a 502 with a short text', async () => {
    const answer = await createBrowser().ask(at('/public/drop'));
    expect([answer.status, answer.text]).toEqual([502, 'The app cannot be reached.\n']);
  });

  it('an answer that breaks off breaks off for the client too', async () => {
    const answer = await request(at('/public/half'), { dispatcher });
    await expect(answer.body.text()).rejects.toThrow();
  });

  it('an app that is not there is a 502', async () => {
    const { config, stateDir } = stack();
    const env = { AAD_SECRET: 'x' };
    const upstream = 'http://localhost:1';
    const gateway = await startGateway({ config, stateDir, env, upstream, port: 0, log: () => {} });
    expect((await createBrowser().ask(`${gateway.url}/public/x`)).status).toBe(502);
    await gateway.close();
  });

  it('requests are served after 200 clients left in the middle of a body', async () => {
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        const controller = new AbortController();
        const own = new Agent();
        try {
          const answer = await request(at('/public/large'), { signal: controller.signal, dispatcher: own });
          await answer.body[Symbol.asyncIterator]().next();
          controller.abort();
          await answer.body.dump();
        } catch {
          // The abort itself.
        }
        await own.destroy();
      }),
    );
    for (let count = 0; count < 20; count += 1)
      expect((await createBrowser().ask(at('/public/x'))).status).toBe(200);
  });
});

function upgrade(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; socket?: Socket }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: stack().gateway.port,
      path,
      headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers },
    });
    outgoing.on('upgrade', (answer, socket) =>
      resolve({ status: answer.statusCode ?? 0, socket: socket as Socket }),
    );
    outgoing.on('response', (answer) => resolve({ status: answer.resume().statusCode ?? 0 }));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('§1 §2.5 WebSocket upgrades [I]', () => {
  it('§2.5 pass with the platform headers of outside removed', async () => {
    const { status, socket } = await upgrade('/public/ws', {
      'x-ms-client-principal-id': 'evil',
      x_ms_token_aad_access_token: 'evil',
    });
    expect(status).toBe(101);
    const echoed = new Promise<string>((resolve) => socket?.once('data', (chunk) => resolve(String(chunk))));
    socket?.write('hello');
    expect(await echoed).toBe('echo:hello');
    const seen = stack().app.upgrades.at(-1);
    expect(JSON.stringify(seen?.headers)).not.toContain('evil');
    expect(seen?.headers.upgrade).toBe('websocket');
    socket?.destroy();
    await until(() => seen?.socket.destroyed === true);
  });

  it('carry the identity of a session, and need one off the excluded paths', async () => {
    const browser = createBrowser();
    await browser.signIn(at('/.auth/login/aad'));
    const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    expect((await upgrade('/ws')).status).toBe(401);
    const { status, socket } = await upgrade('/ws', { cookie });
    expect(status).toBe(101);
    expect(stack().app.upgrades.at(-1)?.headers['x-ms-client-principal-id']).toBe(aliceOid);
    socket?.destroy();
    const mozilla = { cookie, 'user-agent': 'Mozilla/5.0', origin: 'https://evil.test' };
    expect((await upgrade('/ws', mozilla)).status).toBe(403);
  });

  it('an app that refuses is heard', async () => {
    expect((await upgrade('/public/no-ws')).status).toBe(426);
  });

  it('an offer of another protocol is ignored: the request is judged and served as plain HTTP, body included', async () => {
    const ask = (path: string) =>
      raw(
        [
          `POST ${path} HTTP/1.1`,
          'Host: localhost',
          'Connection: Upgrade, HTTP2-Settings',
          'Upgrade: h2c',
          'HTTP2-Settings: AAMAAABkAAQAAP__',
          'Content-Length: 4',
        ],
        'bodyGET /public/y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      );
    const open = await ask('/public/x');
    expect(open.match(/HTTP\/1\.1 200 /g)?.length).toBe(2);
    expect(open).toContain('"bytes":4');
    expect(open).not.toMatch(/h2c|http2-settings/i);
    expect(await ask('/api')).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('§1 stopping [I]', () => {
  it('lets a running request end and then takes no more', async () => {
    const gateway = await stack().another();
    const slow = request(`${gateway.url}/public/large`, { dispatcher });
    const answer = await slow;
    const closing = gateway.close();
    expect((await answer.body.arrayBuffer()).byteLength).toBe(8_000_000);
    await closing;
    await expect(request(`${gateway.url}/public/x`)).rejects.toThrow();
  });
});
