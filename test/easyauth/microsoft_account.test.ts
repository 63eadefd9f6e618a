import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, createBrowser } from './support/browser.js';
import { createClock } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { bodyText, type Listening, listen } from './support/http_server.js';
import { type Stack, startStack } from './support/stack.js';

const clientId = '000000004C0FFEE1';
const secret = 'canary-live-secret';
const userId = 'b6b2a7e8f2515e5';
const clock = createClock();

let live: Listening;
let stack: Stack;
const forms: URLSearchParams[] = [];
let userOfApi = userId;

const tokenFor = (claims: Record<string, unknown> = {}, key = secret) =>
  new SignJWT({ uid: userId, ver: 1, 'urn:microsoft:appid': clientId, aud: 'contoso.test', ...claims })
    .setProtectedHeader({ alg: 'HS256', kid: '0', typ: 'JWT' })
    .setIssuer(String(claims.iss ?? 'urn:windows:liveid'))
    .setExpirationTime(Number(claims.exp ?? Math.floor(clock.now() / 1000) + 86_400))
    .sign(createHash('sha256').update(`${key}JWTSig`).digest());

type Answer = readonly [status: number, body: unknown];

function profile(authorization = ''): Answer {
  if (!/^Bearer at\.\d+$/.test(authorization)) return [401, {}];
  const emails = { account: 'alice@outlook.test', preferred: 'other@outlook.test' };
  return [200, { id: userOfApi, name: 'Alice Archer', first_name: 'Alice', last_name: 'Archer', emails }];
}

async function token(form: URLSearchParams): Promise<Answer> {
  forms.push(form);
  const good = form.get('client_id') === clientId && form.get('client_secret') === secret;
  if (!good) return [400, { error: 'invalid_client' }];
  const spent = form.get('code') ?? form.get('refresh_token') ?? '';
  if (!['a-code', 'rt.1'].includes(spent)) return [400, { error: 'invalid_grant' }];
  const answer = {
    token_type: 'bearer',
    expires_in: 3600,
    access_token: `at.${forms.length}`,
    refresh_token: spent === 'a-code' ? 'rt.1' : 'rt.2',
    authentication_token: await tokenFor(),
  };
  return [200, answer];
}

/** Live Connect as its documentation had it: token and profile. */
const startLive = () =>
  listen(async (request, response) => {
    const [status, body] =
      request.url === '/v5.0/me'
        ? profile(request.headers.authorization)
        : request.url === '/oauth20_token.srf'
          ? await token(new URLSearchParams(await bodyText(request)))
          : ([404, {}] as const);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });

beforeAll(async () => {
  live = await startLive();
  const registration = { clientId, clientSecretSettingName: 'LIVE_SECRET' };
  stack = await startStack({
    clock,
    config: {
      'identityProviders.legacyMicrosoftAccount': {
        registration,
        login: { scopes: ['wl.basic', 'wl.offline_access'] },
      },
      'globalValidation.redirectToProvider': 'microsoftaccount',
    },
    env: { LIVE_SECRET: secret, EASYAUTH_MICROSOFTACCOUNT_BASE_URL: live.url },
  });
});
afterAll(async () => {
  await stack.close();
  await live.close();
});

const at = (path: string) => `${stack.gateway.url}${path}`;

async function signIn(browser: Browser, query = '') {
  const begun = await browser.ask(at(`/.auth/login/microsoftaccount${query}`));
  const authorize = new URL(String(begun.headers.location));
  const back = new URLSearchParams({ code: 'a-code', state: authorize.searchParams.get('state') ?? '' });
  return { authorize, done: await browser.ask(at(`/.auth/login/microsoftaccount/callback?${back}`)) };
}

describe('§2.4 §4.5 §5.1 the old Microsoft account [D/U]', () => {
  it('§5.1 the authorize request is that of Live Connect, with the configured scopes and the nonce inside the state', async () => {
    const { authorize, done } = await signIn(createBrowser(), '?login_hint=alice');
    expect(`${authorize.origin}${authorize.pathname}`).toBe(`${live.url}/oauth20_authorize.srf`);
    const { state = '', ...query } = Object.fromEntries(authorize.searchParams);
    expect(query).toEqual({
      client_id: clientId,
      scope: 'wl.basic wl.offline_access',
      response_type: 'code',
      redirect_uri: at('/.auth/login/microsoftaccount/callback'),
      username: 'alice',
    });
    expect(new URLSearchParams(state).get('nonce')).toMatch(/^[0-9a-f]{32}_\d{14}$/);
    expect(done.status).toBe(302);
  });

  it('§2.1 §2.4 the app gets all four headers, and access, refresh and authentication token with the expiry', async () => {
    const browser = createBrowser();
    await signIn(browser);
    const { headers } = (await browser.ask(at('/api'))).json<Seen>();
    expect(headers['x-ms-client-principal-idp']).toEqual(['microsoftaccount']);
    expect(headers['x-ms-client-principal-id']).toEqual([userId]);
    expect(headers['x-ms-client-principal-name']).toEqual(['Alice Archer']);
    const kinds = Object.keys(headers).flatMap(
      (name) => /^x-ms-token-microsoftaccount-(.+)$/.exec(name)?.[1] ?? [],
    );
    expect(kinds.sort()).toEqual(['access-token', 'authentication-token', 'expires-on', 'refresh-token']);
    const [entry] = (await browser.ask(at('/.auth/me'))).json<Record<string, unknown>[]>();
    expect(entry).toMatchObject({
      provider_name: 'microsoftaccount',
      user_id: userId,
      refresh_token: 'rt.1',
    });
    expect(entry?.authentication_token).toEqual(
      headers['x-ms-token-microsoftaccount-authentication-token']?.[0],
    );
    expect(entry?.user_claims).toContainEqual({
      typ: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
      val: 'alice@outlook.test',
    });
  });

  it('§4.5 a refresh redeems the refresh token with the redirect address, and keeps its successor', async () => {
    const browser = createBrowser();
    await signIn(browser);
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    expect(Object.fromEntries(forms.at(-1) ?? [])).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'rt.1',
      redirect_uri: at('/.auth/login/microsoftaccount/callback'),
    });
    const [entry] = (await browser.ask(at('/.auth/me'))).json<Record<string, unknown>[]>();
    expect(entry?.refresh_token).toBe('rt.2');
  });

  it('§5.1 another browser cannot use the answer, nor this one twice', async () => {
    const begun = await createBrowser().ask(at('/.auth/login/microsoftaccount'));
    const state = new URL(String(begun.headers.location)).searchParams.get('state') ?? '';
    const query = new URLSearchParams({ code: 'a-code', state });
    const other = createBrowser();
    expect((await other.ask(at(`/.auth/login/microsoftaccount/callback?${query}`))).status).toBe(401);
    const { done, authorize } = await signIn(other);
    expect(done.status).toBe(302);
    const again = new URLSearchParams({ code: 'a-code', state: authorize.searchParams.get('state') ?? '' });
    expect((await other.ask(at(`/.auth/login/microsoftaccount/callback?${again}`))).status).toBe(401);
  });
});

describe('§5.4 client-directed sign-in with the old Microsoft account [D/U]', () => {
  const post = async (body: Record<string, unknown>) =>
    createBrowser().ask(at('/.auth/login/microsoftaccount'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('§5.4 an authentication token of this app signs in, alone or with an access token of the same user', async () => {
    const authentication_token = await tokenFor();
    for (const body of [
      { authentication_token },
      { authentication_token, access_token: 'at.9', expires_in: 600 },
    ]) {
      const answer = await post(body);
      expect(answer.status).toBe(200);
      const { authenticationToken } = answer.json<{ authenticationToken: string }>();
      const headers = { 'x-zumo-auth': authenticationToken };
      const seen = (await createBrowser().ask(at('/api'), { headers })).json<Seen>();
      expect(seen.headers['x-ms-client-principal-id']).toEqual([userId]);
    }
  });

  const wrong: [string, () => Promise<Record<string, unknown>>, number][] = [
    [
      'another app',
      async () => ({ authentication_token: await tokenFor({ 'urn:microsoft:appid': 'other' }) }),
      401,
    ],
    ['another issuer', async () => ({ authentication_token: await tokenFor({ iss: 'urn:evil' }) }), 401],
    ['a time that is over', async () => ({ authentication_token: await tokenFor({ exp: 1 }) }), 401],
    ['another secret', async () => ({ authentication_token: await tokenFor({}, 'another') }), 401],
    ['no user', async () => ({ authentication_token: await tokenFor({ uid: '' }) }), 401],
    ['an access token alone, which any app could bring', async () => ({ access_token: 'at.9' }), 400],
  ];
  it.each(wrong)('§5.4 %s is refused', async (_name, body, status) => {
    expect((await post(await body())).status).toBe(status);
  });

  it('§5.4 an access token of another user beside it is refused', async () => {
    userOfApi = 'somebody-else';
    const answer = await post({ authentication_token: await tokenFor(), access_token: 'at.9' });
    userOfApi = userId;
    expect(answer.status).toBe(401);
    expect(stack.lines.join()).not.toMatch(/canary|at\.9|Archer/);
  });
});
