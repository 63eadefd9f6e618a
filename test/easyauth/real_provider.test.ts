import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../easyauth/free_port.js';
import { type Gateway, startGateway } from '../../easyauth/gateway.js';
import { type IdentityProvider, startIdentityProvider } from '../../local/identity_provider/server.js';
import { createBrowser } from './support/browser.js';
import { type EchoApp, type Seen, startEchoApp } from './support/echo_app.js';
import { directoryOf, job } from './support/embedded.js';
import { aliceOid, clientSecret, tid } from './support/scripted_provider.js';
import { ordinaryConfig } from './support/stack.js';

let app: EchoApp;
let idp: IdentityProvider;
let gateway: Gateway;
let stateDir: string;

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

describe('§5.1 sign-in, refresh and sign-out with the embedded identity provider [O]', () => {
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
