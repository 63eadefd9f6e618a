import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId, tid } from './support/scripted_provider.js';
import { atProvider, type SocialStack, signInAt, startSocialStack } from './support/social_stack.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

type Given = { authenticationToken: string; user: { userId: string } };

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return createBrowser().ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const alice = { aud: clientId, sub: 'alice-pairwise', oid: aliceOid, tid, email: 'alice@contoso.test' };
const accessToken = (claims: Record<string, unknown> = {}) =>
  stack().provider.sign({ ...alice, scp: 'access_as_user', ...claims });

describe('§5.4 client-directed sign-in at Entra [D/M]', () => {
  it('an access token for this app gives the session token, the user id and a cookie', async () => {
    const answer = await post(at('/.auth/login/aad'), { access_token: await accessToken() });
    expect(answer.status).toBe(200);
    const { authenticationToken, user } = answer.json<Given>();
    expect(user.userId).toMatch(/^sid:[0-9a-f]{32}$/);
    expect(decodeJwt(authenticationToken).sub).toBe(user.userId);
    expect(answer.setCookies.join()).toContain('AppServiceAuthSession=');
    expect(stack().lines.some((line) => line.includes('substatus=77'))).toBe(true);
  });

  it('session_mode=token sets no cookie', async () => {
    const token = await accessToken();
    const answer = await post(at('/.auth/login/aad?session_mode=token'), { access_token: token });
    expect([answer.status, answer.setCookies]).toEqual([200, []]);
  });

  it('the session token opens the app, with the posted tokens in the headers', async () => {
    const body = { access_token: await accessToken(), refresh_token: 'rt.posted', expires_in: '600' };
    const answer = await post(at('/.auth/login/aad?session_mode=token'), body);
    const zumo = { 'X-Zumo-Auth': answer.json<Given>().authenticationToken };
    const { headers } = (await createBrowser().ask(at('/api'), { headers: zumo })).json<Seen>();
    expect(headers['x-ms-client-principal-id']).toEqual([aliceOid]);
    expect(headers['x-ms-token-aad-access-token']).toEqual([body.access_token]);
    expect(headers['x-ms-token-aad-refresh-token']).toEqual(['rt.posted']);
    const ends = Date.parse(headers['x-ms-token-aad-expires-on']?.[0] ?? '');
    expect(ends).toBe(stack().clock.now() + 600_000);
  });

  it('an ID token beside it must be valid and of the same user', async () => {
    const access_token = await accessToken();
    const good = await stack().provider.sign({ ...alice, name: 'Alice Archer' });
    expect((await post(at('/.auth/login/aad'), { access_token, id_token: good })).status).toBe(200);
    const other = await stack().provider.sign({ ...alice, oid: 'someone-else' });
    expect((await post(at('/.auth/login/aad'), { access_token, id_token: other })).status).toBe(401);
  });

  const wrong: [string, () => Promise<string>][] = [
    ['for another audience', () => accessToken({ aud: 'https://graph.microsoft.com' })],
    ['of another issuer', () => accessToken({ iss: 'https://evil.test/' })],
    ['that has ended', () => accessToken({ exp: Math.floor(stack().clock.now() / 1000) - 60 })],
    ['that is no JWT', async () => 'EwB4A8l6BAAU'],
    ['with another signature', async () => `${(await accessToken()).slice(0, -8)}AAAAAAAA`],
  ];
  it.each(wrong)('a token %s is a 401 (83) and signs nobody in', async (_name, token) => {
    const answer = await post(at('/.auth/login/aad'), { access_token: await token() });
    expect([answer.status, answer.text, answer.setCookies]).toEqual([401, '', []]);
    expect(stack().lines.at(-1)).toContain('status=401.83');
  });

  const bodies: [string, unknown, string][] = [
    ['no JSON', 'access_token=x', 'application/json'],
    ['an array', [], 'application/json'],
    ['no token', {}, 'application/json'],
    ['a token that is no text', { access_token: 7 }, 'application/json'],
    ['a form, or JSON under a type other sites may send', '{"access_token":"x"}', 'text/plain'],
    ['more than 128 kB', { access_token: 'x'.repeat(200_000) }, 'application/json'],
  ];
  it.each(bodies)('a body with %s is a 400', async (_name, body, type) => {
    expect((await post(at('/.auth/login/aad'), body, { 'content-type': type })).status).toBe(400);
  });
});

describe('§5.4 the policy holds for client-directed sign-in too [I]', () => {
  const policy = 'identityProviders.azureActiveDirectory.validation.defaultAuthorizationPolicy';
  const strict = useStack({ config: { [`${policy}.allowedApplications`]: ['friend'] } });

  it('a token of an application that is not allowed signs nobody in', async () => {
    const url = `${strict().gateway.url}/.auth/login/aad`;
    const token = await strict().provider.sign({ ...alice, azp: 'stranger', scp: 'x' });
    expect((await post(url, { access_token: token })).status).toBe(401);
  });
});

describe('§5.4 client-directed sign-in at the social providers [D/M]', () => {
  let social: SocialStack;
  beforeAll(async () => {
    social = await startSocialStack();
  });
  afterAll(() => social.close());

  type Entry = Record<'access_token' | 'access_token_secret' | 'id_token', string>;
  const login = (provider: string, body: unknown) =>
    post(`${social.gateway.url}/.auth/login/${provider}`, body);
  const tokensOf = async (provider: string): Promise<Entry> => {
    const browser = createBrowser();
    await signInAt(browser, `${social.gateway.url}/.auth/login/${provider}`);
    const [entry] = (await browser.ask(`${social.gateway.url}/.auth/me`)).json<Entry[]>();
    if (entry === undefined) throw new Error('no entry');
    return entry;
  };
  const seenWith = async (answer: Answer) => {
    const headers = { 'x-zumo-auth': answer.json<Given>().authenticationToken };
    return (await createBrowser().ask(`${social.gateway.url}/api`, { headers })).json<Seen>().headers;
  };

  it('google: an ID token; one for another app, or changed, is a 401', async () => {
    const { id_token } = await tokensOf('google');
    const answer = await login('google', { id_token });
    expect(answer.status).toBe(200);
    expect((await seenWith(answer))['x-ms-client-principal-name']).toEqual(['alice@contoso.test']);
    expect((await login('google', { id_token: `${id_token.slice(0, -6)}AAAAAA` })).status).toBe(401);
    expect((await login('google', { access_token: 'x' })).status).toBe(400);
    expect((await login('google', { id_token, authorization_code: 'invented' })).status).toBe(401);
  });

  it('google: an authorization code beside it adds access and refresh token', async () => {
    const { id_token } = await tokensOf('google');
    const start = await createBrowser().ask(
      `${social.gateway.url}/.auth/login/google?access_type=offline&prompt=consent`,
    );
    const back = new URL((await atProvider(String(start.headers.location))).url);
    const authorization_code = back.searchParams.get('code');
    const redirect_uri = `${social.gateway.url}/.auth/login/google/callback`;
    const headers = await seenWith(await login('google', { id_token, authorization_code, redirect_uri }));
    expect(headers['x-ms-token-google-access-token']).toHaveLength(1);
    expect(headers['x-ms-token-google-refresh-token']).toHaveLength(1);
  });

  it('facebook: a user token of this app, asked of Facebook; any other is a 401', async () => {
    const { access_token } = await tokensOf('facebook');
    const answer = await login('facebook', { access_token });
    expect(answer.status).toBe(200);
    expect((await seenWith(answer))['x-ms-token-facebook-access-token']).toEqual([access_token]);
    expect((await login('facebook', { access_token: 'EAAinvented' })).status).toBe(401);
  });

  it('twitter: token and secret, proven by verify_credentials; a wrong secret is a 401', async () => {
    const { access_token, access_token_secret } = await tokensOf('twitter');
    const answer = await login('twitter', { access_token, access_token_secret });
    expect(answer.status).toBe(200);
    expect((await seenWith(answer))['x-ms-token-twitter-access-token-secret']).toEqual([access_token_secret]);
    expect((await login('twitter', { access_token, access_token_secret: 'wrong' })).status).toBe(401);
    expect((await login('twitter', { access_token })).status).toBe(400);
  });

  it.each(['github', 'apple'])('%s has no client-directed sign-in: 405', async (provider) => {
    const answer = await login(provider, { access_token: 'x' });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('a token without a known end gives a session of 30 days, another one of the token’s life', async () => {
    const days = (answer: Answer) =>
      ((decodeJwt(answer.json<Given>().authenticationToken).exp ?? 0) * 1000 - Date.now()) / 86_400_000;
    const twitter = await tokensOf('twitter');
    expect(days(await login('twitter', twitter))).toBeCloseTo(30, 1);
    const google = await tokensOf('google');
    expect(days(await login('google', { id_token: google.id_token }))).toBeLessThan(0.05);
  });

  it('the user id is the same at every sign-in of one user and another at another provider', async () => {
    const { id_token } = await tokensOf('google');
    const ids = [
      (await login('google', { id_token })).json<Given>().user.userId,
      (await login('google', { id_token })).json<Given>().user.userId,
      (await login('twitter', await tokensOf('twitter'))).json<Given>().user.userId,
    ];
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
  });
});
