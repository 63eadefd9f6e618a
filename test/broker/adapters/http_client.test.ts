import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Resolve } from '../../../shared/adapters/connect_guard.js';
import { createHttpClient } from '../../../shared/adapters/http_client.js';
import { createProviderDocuments } from '../../../shared/adapters/provider/metadata.js';
import { settings, TENANT } from '../support/issuer.js';
import { replies, type ScriptedServer, startScripted } from '../support/scripted_server.js';

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScripted();
});
afterAll(() => server.close());
beforeEach(() => {
  server.paths.length = 0;
  server.answer(replies(200, { ok: true }));
});

const port = () => new URL(server.origin).port;

/** A name service that says what it is told, one answer a question. */
function says(...answers: readonly (readonly string[])[]): Resolve {
  const left = [...answers];
  return (_, __, callback) => {
    const next = left.length > 1 ? left.shift() : left[0];
    const addresses = (next ?? []).map(
      (address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }),
    );
    callback(null, addresses);
  };
}

const get = (url: string, resolve?: Resolve) =>
  createHttpClient(resolve)({ url, method: 'GET', timeoutMs: 2000 });

describe('what the broker calls', () => {
  it('may be this machine, by its own names', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      expect((await get(`http://${host}:${port()}/x`)).status).toBe(200);
    }
  });

  it.each<[string, string[]]>([
    ['this machine', ['127.0.0.1']],
    ['this machine in IPv6', ['::1']],
    ['this machine as IPv4 in IPv6', ['::ffff:127.0.0.1']],
    ['any address of this machine', ['0.0.0.0']],
    ['the metadata service', ['169.254.169.254']],
    ['the metadata service as IPv4 in IPv6', ['::ffff:169.254.169.254']],
    ['a link-local address', ['fe80::1']],
    ['everybody', ['255.255.255.255']],
    ['a good and a bad address', ['203.0.113.7', '169.254.169.254']],
    ['nothing', []],
  ])('is not reached by a name that leads to %s', async (_, addresses) => {
    await expect(get(`http://rebound.test:${port()}/x`, says(addresses))).rejects.toThrow();
    expect(server.paths).toEqual([]);
  });

  it('is judged by the address that is connected to, not by one that the name had before (DNS rebinding)', async () => {
    const resolve = says(['203.0.113.7'], ['127.0.0.1']);
    const client = createHttpClient(resolve);
    const url = `http://rebound.test:${port()}/x`;
    // The first answer is a good one; nobody is there.
    await expect(client({ url, method: 'GET', timeoutMs: 50 })).rejects.toThrow();
    await expect(client({ url, method: 'GET', timeoutMs: 2000 })).rejects.toThrow('may be called');
    expect(server.paths).toEqual([]);
  });

  it('localhost leads nowhere but here', async () => {
    await expect(get(`http://localhost:${port()}/x`, says(['203.0.113.7']))).rejects.toThrow('may be called');
  });

  it.each([
    'http://169.254.169.254/metadata/identity/oauth2/token',
    'http://[::ffff:169.254.169.254]/',
    'http://2852039166/',
    'http://0xa9.0xfe.0xa9.0xfe/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[fe80::1]/',
    'http://255.255.255.255/',
  ])('is never %s', async (url) => {
    await expect(get(url)).rejects.toThrow('may be called');
  });

  it('is not this machine by a name with a dot behind', async () => {
    await expect(get(`http://localhost.:${port()}/x`, says(['127.0.0.1']))).rejects.toThrow('may be called');
    expect(server.paths).toEqual([]);
  });

  it('does not send us elsewhere: a redirect is an answer, not a way', async () => {
    server.answer(
      (request, response) =>
        void (request.url === '/x'
          ? response.writeHead(302, { location: `${server.origin}/secret` }).end()
          : response.end('{}')),
    );
    expect((await get(`${server.origin}/x`)).status).toBe(302);
    expect(server.paths).toEqual(['/x']);
  });

  it('cannot fill our memory, nor hold us', async () => {
    const flood = createServer((_, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
    });
    await new Promise<void>((resolve) => flood.listen(0, '127.0.0.1', resolve));
    const address = flood.address();
    const at = typeof address === 'object' && address ? address.port : 0;
    await expect(get(`http://127.0.0.1:${at}/`)).rejects.toThrow('larger than 1 MiB');
    flood.closeAllConnections();
    flood.close();
    server.answer((_, response) => void response.writeHead(200).write('{'));
    const slow = createHttpClient()({ url: `${server.origin}/x`, method: 'GET', timeoutMs: 100 });
    await expect(slow).rejects.toThrow();
  });
});

describe('an issuer’s metadata', () => {
  it.each([
    ['another host', 'https://evil.test/keys'],
    ['another port', 'http://127.0.0.1:1/keys'],
    ['the metadata service', 'http://169.254.169.254/keys'],
    ['a file', 'file:///etc/passwd'],
    ['no address', 'keys'],
  ])('cannot name keys at %s', async (_, jwksUri) => {
    const issuer = `${server.origin}/${TENANT}/v2.0`;
    const document = { issuer, token_endpoint: `${server.origin}/token`, jwks_uri: jwksUri };
    server.answer(replies(200, document));
    const { keys } = createProviderDocuments(
      { ...settings, issuer },
      { http: createHttpClient(), clock: () => 0 },
    );
    await expect(keys.get()).rejects.toThrow('outside the issuer');
    expect(server.paths).toHaveLength(1);
  });
});
