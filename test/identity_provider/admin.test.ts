import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ALICE, BROKER, GRAPH_URI, SECRET, TID } from './support/directory.js';
import { field, readAnswer, startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());
afterEach(() => idp.admin('DELETE', '/faults'));

const APP = { grant_type: 'client_credentials', scope: `${GRAPH_URI}/.default` };

/** The status of an admin call with headers that fetch does not let us set. */
function statusWith(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: idp.port, path: '/_admin/state', headers },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    call.on('error', reject).end();
  });
}

describe('who may turn the knobs', () => {
  it('programs on this machine, by a loopback name', async () => {
    expect(await statusWith({ host: `localhost:${idp.port}` })).toBe(200);
    expect(await statusWith({ host: `127.0.0.1:${idp.port}` })).toBe(200);
    expect(await statusWith({ host: '[::1]:9400' })).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ['a foreign name pointing here', { host: 'rebind.test:9400' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page on another port', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'http://localhost:3000' }],
    ['an opaque origin', { origin: 'null' }],
  ])('not %s', async (_, headers) => {
    expect(await statusWith({ host: `localhost:${idp.port}`, ...headers })).toBe(403);
  });

  it('bodies are JSON objects of known fields; anything else changes nothing', async () => {
    const plain = await idp.post('/_admin/narrowing', { on: 'true' });
    expect(plain.status).toBe(415);
    expect((await idp.admin('POST', '/narrowing', { on: 'yes' })).status).toBe(400);
    expect((await idp.admin('POST', '/narrowing', [true])).status).toBe(400);
    expect((await idp.admin('POST', '/lifetimes', { accessTokenSeconds: 0 })).status).toBe(400);
    expect((await idp.admin('POST', '/lifetimes', { typo: 1 })).body.error_description).toContain(
      'additional properties',
    );
    expect((await idp.admin('POST', '/faults', { count: 0 })).status).toBe(400);
    expect((await idp.admin('POST', '/users/nobody/revoke')).status).toBe(404);
    expect((await idp.admin('POST', `/users/${ALICE}/explode`)).status).toBe(404);
    expect((await idp.admin('POST', `/users/${ALICE}/consent`, { app_id: 'x', resource: 'y' })).status).toBe(
      400,
    );
    expect((await idp.admin('GET', '/state')).body.settings).toMatchObject({
      narrowing: false,
      accessTokenSeconds: 3600,
    });
  });
});

describe('state and request log', () => {
  it('show users with their knobs, settings, keys and counters, and reset brings knobs back', async () => {
    await idp.admin('POST', `/users/${ALICE}/disable`);
    await idp.admin('POST', '/lifetimes', { accessTokenSeconds: 5 });
    await idp.admin('POST', '/faults', { status: 500, count: 3, path: '/x' });
    const { body } = await idp.admin('GET', '/state');
    expect(body.users).toEqual(
      expect.arrayContaining([expect.objectContaining({ oid: ALICE, disabled: true })]),
    );
    expect(body.faults).toHaveLength(1);
    await idp.admin('POST', '/reset', {});
    const after = await idp.admin('GET', '/state');
    expect(after.body.settings).toMatchObject({ accessTokenSeconds: 3600 });
    expect(after.body.faults).toEqual([]);
    expect(JSON.stringify(after.body.users)).not.toContain('"disabled":true');
  });

  it('remember the last 500 token calls: who, what, outcome, and no credential', async () => {
    const code = await idp.codeFor();
    const tokens = await idp.redeem(code);
    const refresh = field(tokens, 'refresh_token');
    await idp.refresh(refresh, `User.Read ${refresh}`);
    await idp.token({ ...APP, client_secret: 'wrong-secret-canary' });
    const { body, text } = await idp.admin('GET', '/requests');
    expect(body.requests).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          grant: 'authorization_code',
          client: BROKER,
          user: ALICE,
          status: 200,
          outcome: 'ok',
        }),
        expect.objectContaining({ grant: 'client_credentials', status: 401, outcome: '7000215' }),
      ]),
    );
    expect(body.counters).toMatchObject({ 'authorization_code ok': 1 });
    for (const secret of [code, refresh, field(tokens, 'access_token'), SECRET, 'wrong-secret-canary']) {
      expect(text).not.toContain(secret);
    }
    await Promise.all(Array.from({ length: 520 }, () => idp.token({ grant_type: 'x' })));
    expect((await idp.admin('GET', '/requests')).body.requests).toHaveLength(500);
  });
});

describe('faults', () => {
  it('answer the next N matching calls with status, error, code, suberror and Retry-After; then all is well', async () => {
    const fault = {
      path: '/oauth2/v2.0/token',
      grant: 'client_credentials',
      client: BROKER,
      count: 2,
      status: 503,
    };
    await idp.admin('POST', '/faults', {
      ...fault,
      error: 'temporarily_unavailable',
      code: 90033,
      suberror: 'x',
      retryAfter: 7,
    });
    expect((await idp.token({ ...APP, grant_type: 'refresh_token', refresh_token: 'x' })).status).toBe(400);
    for (const _ of [1, 2]) {
      const answer = await idp.token(APP);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('7');
      expect(answer.body).toMatchObject({
        error: 'temporarily_unavailable',
        error_codes: [90033],
        suberror: 'x',
      });
    }
    expect((await idp.token(APP)).status).toBe(200);
  });

  it('match the client of HTTP Basic too, and any path that ends as given', async () => {
    await idp.admin('POST', '/faults', { path: 'keys', count: 1, status: 500 });
    expect((await idp.token(APP)).status).toBe(200);
    expect((await idp.get(`/${TID}/discovery/v2.0/keys`)).status).toBe(500);
    expect((await idp.get(`/${TID}/discovery/v2.0/keys`)).status).toBe(200);
    await idp.admin('POST', '/faults', { client: BROKER, retryAfter: 60 });
    const authorization = `Basic ${Buffer.from(`${BROKER}:x`).toString('base64')}`;
    const answer = await idp.post(`/${TID}/oauth2/v2.0/token`, APP, { authorization });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60']);
  });

  it('may send any body, as text or JSON', async () => {
    await idp.admin('POST', '/faults', { count: 1, status: 502, body: '<html>bad gateway' });
    await idp.admin('POST', '/faults', { count: 1, status: 200, body: { access_token: 7 } });
    expect(await idp.token(APP)).toMatchObject({ status: 502, text: '<html>bad gateway' });
    expect(await idp.token(APP)).toMatchObject({ status: 200, body: { access_token: 7 } });
  });

  it('may cut the connection after the work is done', async () => {
    const refresh = field(await idp.signIn(), 'refresh_token');
    const before = await idp.admin('GET', '/requests');
    await idp.admin('POST', '/faults', { grant: 'refresh_token', resetAfterProcessing: true });
    await expect(idp.refresh(refresh)).rejects.toThrow();
    const after = await idp.admin('GET', '/requests');
    const [was, is] = [before, after].map(({ body }) => JSON.stringify(body.counters));
    expect(is).not.toBe(was);
    expect((await idp.refresh(refresh)).status).toBe(200);
  });

  it('may delay an answer, or never give one', async () => {
    await idp.admin('POST', '/faults', { path: 'keys', delayMs: 60 });
    const started = performance.now();
    expect((await idp.get(`/${TID}/discovery/v2.0/keys`)).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(50);
    await idp.admin('POST', '/faults', { path: 'keys', hang: true });
    const signal = AbortSignal.timeout(100);
    await expect(fetch(`${idp.url}/${TID}/discovery/v2.0/keys`, { signal })).rejects.toThrow(
      /timeout|abort/i,
    );
  });

  it('never touch the admin paths, and can be taken back', async () => {
    await idp.admin('POST', '/faults', { count: 5, status: 500 });
    expect((await idp.admin('GET', '/state')).status).toBe(200);
    expect((await idp.admin('DELETE', '/faults')).status).toBe(200);
    expect((await idp.token(APP)).status).toBe(200);
  });
});

describe('closing', () => {
  it('waits for nothing that hangs or is delayed', async () => {
    const other = await startTestProvider();
    await other.admin('POST', '/faults', { path: 'keys', hang: true });
    await other.admin('POST', '/faults', { path: 'token', delayMs: 60_000 });
    const hanging = fetch(`${other.url}/${TID}/discovery/v2.0/keys`).then(readAnswer, () => undefined);
    const delayed = other.token(APP);
    await eventually('both requests to have arrived', async () => {
      const { faults } = (await other.admin('GET', '/state')).body;
      return Array.isArray(faults) && faults.length === 0;
    });
    const started = performance.now();
    await other.stop();
    expect(performance.now() - started).toBeLessThan(2500);
    expect(await hanging).toBeUndefined();
    expect((await delayed).status).toBe(200);
  });
});
