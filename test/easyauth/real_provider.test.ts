import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../../easyauth/gateway.js';
import { type IdentityProvider, startIdentityProvider } from '../../local/identity_provider/server.js';
import { createBrowser } from './support/browser.js';
import { type EchoApp, type Seen, startEchoApp } from './support/echo_app.js';
import { aliceOid, clientId, clientSecret, tid } from './support/scripted_provider.js';
import { ordinaryConfig } from './support/stack.js';

const graph = 'https://graph.microsoft.test';
const audra = 'aaaaaaaa-0000-4000-8000-000000000003';
const job = '33333333-3333-4333-8333-333333333333';

let app: EchoApp;
let idp: IdentityProvider;
let gateway: Gateway;
let stateDir: string;

/** The redirect address must be registered before the provider starts, so the gateway's port is chosen first. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const directoryOf = (port: number) => ({
  default_resource: graph,
  tenants: [{ tid, domain: 'contoso.test', name: 'Contoso' }],
  users: [
    { name: 'Alice', upn: 'alice@contoso.test', email: 'alice@contoso.test', oid: aliceOid, tid },
    { name: 'Audra', upn: 'audra@contoso.test', oid: audra, tid, roles: { [clientId]: ['Audit.Read'] } },
  ],
  apps: [
    {
      app_id: '00000003-0000-4000-8000-000000000000',
      name: 'Graph',
      tid,
      secrets: [],
      redirect_uris: [],
      app_id_uri: graph,
      scopes: ['User.Read', 'Mail.Read'],
    },
    {
      app_id: clientId,
      name: 'Token broker',
      tid,
      secrets: [clientSecret],
      redirect_uris: [`http://localhost:${port}/.auth/login/aad/callback`],
      logout_uris: [`http://localhost:${port}/.auth/logout/complete`],
      app_id_uri: 'api://token-broker',
      scopes: ['access_as_user'],
      roles: ['Audit.Read'],
      token_version: 2,
      idtyp: true,
      consents: [{ resource: graph, scopes: ['User.Read'] }],
    },
    {
      app_id: job,
      name: 'Job',
      tid,
      secrets: ['job-secret'],
      redirect_uris: [],
      app_role_grants: { [clientId]: ['Audit.Read'] },
    },
  ],
});

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'easyauth-real-'));
  const port = await freePort();
  app = await startEchoApp();
  const log = () => {};
  idp = await startIdentityProvider({
    directory: directoryOf(port),
    stateDir: join(stateDir, 'idp'),
    port: 0,
    log,
  });
  const config = ordinaryConfig(`${idp.url}/${tid}/v2.0`);
  const env = { AAD_SECRET: clientSecret };
  gateway = await startGateway({ config, upstream: app.url, port, stateDir, env, log });
});
afterAll(async () => {
  await app.close();
  await Promise.all([gateway.close(), idp.close()]);
  await rm(stateDir, { recursive: true, force: true });
});

async function signIn(user: string) {
  const browser = createBrowser();
  const start = await browser.ask(
    `${gateway.url}/.auth/login/aad?post_login_redirect_uri=/api&login_hint=${user}`,
  );
  const page = await (await request(String(start.headers.location))).body.text();
  const fields = [...page.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)];
  const form = new URLSearchParams();
  for (const [, name = '', value = ''] of fields) form.set(name, value.replaceAll('&#x3D;', '='));
  const done = await browser.ask(`${gateway.url}/.auth/login/aad/callback`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: idp.url },
    body: form.toString(),
  });
  return { browser, done };
}

describe('with the embedded identity provider', () => {
  it('a user signs in, the app sees identity and tokens, a refresh brings new ones', async () => {
    const { browser, done } = await signIn('alice@contoso.test');
    expect([done.status, done.headers.location]).toEqual([302, `${gateway.url}/api`]);
    const seen = (await browser.ask(`${gateway.url}/api`)).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
    expect(seen.headers['x-ms-client-principal-name']).toEqual(['alice@contoso.test']);
    const before = seen.headers['x-ms-token-aad-access-token'];
    expect((await browser.ask(`${gateway.url}/.auth/refresh`)).status).toBe(200);
    const after = (await browser.ask(`${gateway.url}/api`)).json<Seen>();
    expect(after.headers['x-ms-token-aad-access-token']).not.toEqual(before);
    expect(after.headers['x-ms-token-aad-refresh-token']?.length).toBe(1);
  });

  it('§4.4 a user whose sessions were revoked gets 403 from refresh and keeps the session', async () => {
    const { browser } = await signIn('alice@contoso.test');
    const revoked = await request(`${idp.url}/_admin/users/alice@contoso.test/revoke`, { method: 'POST' });
    await revoked.body.dump();
    expect(revoked.statusCode).toBeLessThan(300);
    expect((await browser.ask(`${gateway.url}/.auth/refresh`)).status).toBe(403);
    expect((await browser.ask(`${gateway.url}/api`)).status).toBe(200);
  });

  it('roles reach the app, and signing out ends at logout/complete by way of the provider', async () => {
    const { browser } = await signIn('audra@contoso.test');
    const seen = (await browser.ask(`${gateway.url}/api`)).json<Seen>();
    const principal = Buffer.from(seen.headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString();
    expect(principal).toContain('{"typ":"roles","val":"Audit.Read"}');
    const out = await browser.ask(`${gateway.url}/.auth/logout`);
    const away = await request(String(out.headers.location));
    await away.body.dump();
    expect([away.statusCode, away.headers.location]).toEqual([302, `${gateway.url}/.auth/logout/complete`]);
  });

  it('§7.2 an application’s own token is accepted, without a name', async () => {
    const form = { grant_type: 'client_credentials', client_id: job, client_secret: 'job-secret' };
    const body = new URLSearchParams({ ...form, scope: 'api://token-broker/.default' }).toString();
    const answer = await request(`${idp.url}/${tid}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    const { access_token } = (await answer.body.json()) as { access_token: string };
    const headers = { authorization: `Bearer ${access_token}` };
    const seen = (await createBrowser().ask(`${gateway.url}/api`, { headers })).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']?.length).toBe(1);
    expect(seen.headers['x-ms-client-principal-name']).toBeUndefined();
  });
});
