import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Broker } from '../../../shared/compose.js';
import { customClient, customSecret } from '../../easyauth/support/certified_provider.js';
import { type Answer, callRoute, NIGHTLY, PUBLIC, withBroker } from '../support/broker.js';
import { basic, FORM, formText, refreshForm } from '../support/calls.js';
import { ORDERS } from '../support/samples.js';
import { STRICT, type StrictSite, startStrictSite } from '../support/strict_session.js';

const FILES = 'https://files.test';
const SCOPE = 'email profile';
const folder = mkdtempSync(join(tmpdir(), 'single-use-'));
const test = withBroker();

let site: StrictSite;
let broker: Broker;
beforeAll(async () => {
  site = await startStrictSite();
  const policyFile = join(folder, 'policy.json');
  const resources = {
    [ORDERS]: { narrowing: 'minted', scopes: ['orders.read', 'orders.write'] },
    [FILES]: { narrowing: 'provider', provider: STRICT, scopes: ['email', 'profile'], allowWider: true },
  };
  const client = {
    auth: { secretSetting: 'NIGHTLY_SECRET' },
    resources: { [ORDERS]: ['orders.read', 'orders.write'], [FILES]: ['email', 'profile'] },
  };
  writeFileSync(policyFile, JSON.stringify({ version: 1, resources, clients: { [NIGHTLY.id]: client } }));
  test.time.now = Date.now();
  broker = test.compose({
    BROKER_POLICY_FILE: policyFile,
    BROKER_OIDC_PROVIDERS: STRICT,
    BROKER_OIDC_STRICT_ISSUER: site.provider.issuer,
    BROKER_OIDC_STRICT_CLIENT_ID: customClient,
    BROKER_OIDC_STRICT_SIGN_IN_SCOPES: 'openid profile email offline_access',
    BROKER_EASYAUTH_ORIGIN: site.gateway.url,
  });
}, 60_000);
afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

type Headers = Readonly<Record<string, string>>;
const connect = (headers: Headers) => callRoute(broker, 'connect', { method: 'POST', headers });
const grant = async (headers: Headers, resource: string, scope: string): Promise<string> => {
  const body = JSON.stringify({ client_id: NIGHTLY.id, resource, scope });
  const json = { ...headers, 'content-type': 'application/json' };
  const answer = await callRoute(broker, 'createGrant', { method: 'POST', headers: json, body });
  if (answer.status !== 201) throw new Error(`no grant: ${answer.text}`);
  return String(answer.body.grant_id);
};
const token = (grantId: string, resource: string): Promise<Answer> =>
  callRoute(broker, 'token', {
    method: 'POST',
    url: `${PUBLIC}/token`,
    headers: { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) },
    body: formText(refreshForm(grantId, { resource })),
  });
/** How often Easy Auth or anybody else has redeemed a refresh token. */
const redeemed = () =>
  site.provider.tokenCalls.filter((call) => call.get('grant_type') === 'refresh_token').length;
/** Easy Auth lets calls within a second share one refresh. */
const apart = () => new Promise((resolve) => setTimeout(resolve, 1100));
const work = async () => {
  for (const batch of await broker.findDue()) await broker.workDue(batch);
};

describe('a provider whose refresh tokens count once', () => {
  it('is connected through the session: Easy Auth redeems, the token in the header is left alone', async () => {
    const { headers } = await site.signIn('ida');
    expect(headers[`x-ms-token-${STRICT}-refresh-token`]).toBeDefined();
    const before = redeemed();
    const answer = await connect(headers);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      provider: STRICT,
      subject: `${STRICT}:${site.provider.issuer}:ida`,
      credential: 'session',
    });
    expect(Date.parse(answer.body.credential_ends_at)).toBeGreaterThan(Date.now() + 72 * 3_600_000);
    expect(redeemed()).toBe(before + 1);
    const spent = site.provider.tokenCalls.at(-1)?.get('refresh_token');
    expect(spent).toBe(headers[`x-ms-token-${STRICT}-refresh-token`]);
  });

  it('user and broker refresh by turns, and the line of tokens lives on', async () => {
    const { browser, headers } = await site.signIn('joan');
    await connect(headers);
    for (let turn = 0; turn < 3; turn++) {
      await apart();
      expect((await browser.ask(`${site.gateway.url}/.auth/refresh`)).status).toBe(200);
      expect((await connect(headers)).status).toBe(200);
    }
  });

  it.each([
    ['cookie', async (login: string) => (await site.signIn(login)).headers],
    ['session token', (login: string) => site.signInForToken(login)],
  ] as const)(
    'by %s: nobody present, the worker renews the session and the token',
    async (carrier, signIn) => {
      const headers = await signIn(`kim-${carrier.length}`);
      const grantId = await grant(headers, FILES, SCOPE);
      await work();
      const first = await token(grantId, FILES);
      expect(first.body).toMatchObject({ narrowing: 'provider', scope: SCOPE });
      const before = redeemed();
      await apart();
      test.time.now += 3_100_000;
      await work();
      expect(redeemed()).toBe(before + 1);
      const second = await token(grantId, FILES);
      test.time.now -= 3_100_000;
      expect(second.status).toBe(200);
      expect(second.body.access_token).not.toBe(first.body.access_token);
      const me = await fetch(`${site.provider.issuer}/me`, {
        headers: { authorization: `Bearer ${second.body.access_token}` },
      });
      expect(await me.json()).toMatchObject({ sub: `kim-${carrier.length}` });
    },
  );

  it('minted tokens are given while the session lives', async () => {
    const { headers } = await site.signIn('lena');
    const grantId = await grant(headers, ORDERS, 'orders.read');
    expect((await token(grantId, ORDERS)).body).toMatchObject({ narrowing: 'minted', scope: 'orders.read' });
  });

  it('a refresh token that was spent behind its back asks for the user; a new sign-in brings the same grant back', async () => {
    const { headers } = await site.signIn('mona');
    const grantId = await grant(headers, FILES, SCOPE);
    // The one in the header has been spent by the take-over: shown again it ends the line.
    const form = {
      grant_type: 'refresh_token',
      refresh_token: headers[`x-ms-token-${STRICT}-refresh-token`] ?? '',
      client_id: customClient,
      client_secret: customSecret,
    };
    const reused = await fetch(`${site.provider.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    expect(reused.status).toBe(400);
    await apart();
    const refused = await token(grantId, FILES);
    expect(refused.body).toMatchObject({ error: 'interaction_required' });
    const again = await site.signIn('mona');
    expect((await connect(again.headers)).status).toBe(200);
    expect((await token(grantId, FILES)).status).toBe(200);
  });

  it('a session that the user has ended asks for the user', async () => {
    const { browser, headers } = await site.signIn('nora');
    const grantId = await grant(headers, FILES, SCOPE);
    await browser.ask(`${site.gateway.url}/.auth/logout`);
    expect((await token(grantId, FILES)).body).toMatchObject({ error: 'interaction_required' });
  });

  it('without the session there is nothing to hold: 422 says so', async () => {
    const { headers } = await site.signIn('olga');
    const { cookie: _, ...without } = headers;
    const answer = await connect(without);
    expect(answer).toMatchObject({ status: 422, body: { code: 'refresh_token_missing' } });
    expect(answer.text).toContain('X-ZUMO-AUTH');
  });

  it("another user's session beside one's own headers is refused", async () => {
    const [pia, quin] = await Promise.all([site.signIn('pia'), site.signIn('quin')]);
    const mixed = { ...pia.headers, cookie: quin.headers.cookie ?? '' };
    expect(await connect(mixed)).toMatchObject({ status: 422, body: { code: 'identity_mismatch' } });
  });
});
