import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE } from '../support/directory.js';
import { type Answer, field, formFields, location, pkce } from '../support/provider.js';
import {
  basic,
  CALLBACK,
  CLIENT_SECRET,
  codeIn,
  form,
  type SocialProvider,
  startSocialProvider,
} from '../support/social.js';

const OAUTH_APP = { client_id: 'Ov23', client_secret: CLIENT_SECRET };
const GITHUB_APP = { client_id: 'Iv1', client_secret: 'other' };
const JSON_ONLY = { accept: 'application/json' };
type Values = Readonly<Record<string, string | undefined>>;

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());

const authorize = (values: Values = {}): Promise<Answer> => {
  const usual = {
    client_id: 'Ov23',
    redirect_uri: CALLBACK,
    state: 's',
    scope: 'user:email',
    login: 'alice',
  };
  return idp.query('/github/login/oauth/authorize', usual, values);
};
const token = (values: Values, headers: Record<string, string> = JSON_ONLY): Promise<Answer> =>
  idp.send('POST', '/github/login/oauth/access_token', { body: form(OAUTH_APP, values), headers });
const signIn = async (values: Values = {}): Promise<string> =>
  field(await token({ code: codeIn(await authorize(values)) }), 'access_token');
const appSignIn = async (): Promise<Answer> =>
  token({ ...GITHUB_APP, code: codeIn(await authorize({ client_id: 'Iv1' })) });
const refresh = (refreshToken: string, values: Values = {}): Promise<Answer> =>
  token({ ...GITHUB_APP, grant_type: 'refresh_token', refresh_token: refreshToken, ...values });
const user = (accessToken: string) => idp.bearer('/github/user', accessToken);
const remove = (what: string, accessToken: unknown, credentials: string) =>
  idp.send('DELETE', `/github/applications/Ov23/${what}`, {
    headers: { authorization: credentials, 'content-type': 'application/json' },
    body: JSON.stringify({ access_token: accessToken }),
  });

describe('github: authorize', () => {
  it('sends code and state; without a redirect URI to the registered one', async () => {
    const back = await authorize({ redirect_uri: undefined });
    expect(back.headers.get('location')?.startsWith(`${CALLBACK}?code=`)).toBe(true);
    expect(location(back).get('state')).toBe('s');
  });

  it('sends a wrong redirect URI’s refusal to the registered one', async () => {
    const back = await authorize({ redirect_uri: 'https://evil.test/' });
    expect(back.headers.get('location')?.startsWith(`${CALLBACK}?error=redirect_uri_mismatch`)).toBe(true);
  });

  it.each<[string, Values, number]>([
    ['an unknown app', { client_id: 'nobody' }, 404],
    ['a plain challenge', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }, 400],
  ])('shows %s on a page', async (_, values, status) => {
    expect((await authorize(values)).status).toBe(status);
  });

  it('shows its page without login, and always for prompt=select_account', async () => {
    const page = await authorize({ login: undefined });
    expect(page.text).toContain('user:email');
    const body = form(formFields(page.text), { user: ALICE });
    expect(codeIn(await idp.send('POST', '/github/sign_in', { body }))).not.toBe('');
    expect((await authorize({ prompt: 'select_account' })).status).toBe(200);
    const back = await idp.send('POST', '/github/sign_in', {
      body: form(formFields(page.text), { cancel: '1' }),
    });
    expect(location(back).get('error')).toBe('access_denied');
  });
});

describe('github: the token endpoint', () => {
  it('answers form-encoded unless JSON is accepted', async () => {
    const plain = await token({ code: codeIn(await authorize({ scope: 'repo,gist' })) }, {});
    expect(plain.headers.get('content-type')).toContain('application/x-www-form-urlencoded');
    const fields = Object.fromEntries(new URLSearchParams(plain.text));
    expect(fields).toEqual({
      access_token: expect.stringMatching(/^gho_/),
      scope: 'repo,gist',
      token_type: 'bearer',
    });
    const json = await token({ code: codeIn(await authorize()) });
    expect(json.body).toMatchObject({ scope: 'user:email', token_type: 'bearer' });
  });

  it.each<[string, Values, string]>([
    ['a wrong secret', { client_secret: 'wrong' }, 'incorrect_client_credentials'],
    ['no secret', { client_secret: undefined }, 'incorrect_client_credentials'],
    ['a malformed code', { code: 'nonsense' }, 'bad_verification_code'],
    ['no code', { code: undefined }, 'bad_verification_code'],
    ['a code of another app', { ...GITHUB_APP }, 'bad_verification_code'],
    ['another redirect URI', { redirect_uri: 'http://localhost:8080/x' }, 'redirect_uri_mismatch'],
    ['a missing verifier', { code_verifier: undefined, pkce: '1' }, 'bad_verification_code'],
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['a malformed refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 'bad_refresh_token'],
  ])('answers %s with status 200 and an error in the body', async (_, values, error) => {
    const { challenge } = pkce();
    const bound =
      values.pkce === undefined ? {} : { code_challenge: challenge, code_challenge_method: 'S256' };
    const answer = await token({ code: codeIn(await authorize(bound)), ...values });
    expect([answer.status, answer.body.error]).toEqual([200, error]);
    expect(answer.body).toHaveProperty('error_description');
    const plain = await token({ code: 'nonsense', ...values }, {});
    expect(new URLSearchParams(plain.text).has('error')).toBe(true);
  });

  it('an unknown client is 404; a code counts once and for ten minutes; PKCE is checked', async () => {
    expect((await token({ client_id: 'nobody' })).status).toBe(404);
    const code = codeIn(await authorize());
    expect((await token({ code })).body).toHaveProperty('access_token');
    expect((await token({ code })).body.error).toBe('bad_verification_code');
    const old = codeIn(await authorize());
    idp.clock.now += 601_000;
    expect((await token({ code: old })).body.error).toBe('bad_verification_code');
    const { verifier, challenge } = pkce();
    const bound = codeIn(await authorize({ code_challenge: challenge, code_challenge_method: 'S256' }));
    expect((await token({ code: bound, code_verifier: verifier })).body).toHaveProperty('access_token');
  });

  it('takes JSON bodies and HTTP Basic', async () => {
    const body = JSON.stringify({ ...OAUTH_APP, code: codeIn(await authorize()) });
    const headers = { ...JSON_ONLY, 'content-type': 'application/json' };
    const answer = await idp.send('POST', '/github/login/oauth/access_token', { body, headers });
    expect(answer.body).toHaveProperty('access_token');
    const viaBasic = await idp.send('POST', '/github/login/oauth/access_token', {
      body: form({ code: codeIn(await authorize()) }),
      headers: { ...JSON_ONLY, authorization: basic('Ov23', CLIENT_SECRET) },
    });
    expect(viaBasic.body).toHaveProperty('access_token');
  });
});

describe('github: classic tokens', () => {
  it('do not expire', async () => {
    const accessToken = await signIn();
    idp.clock.now += 300 * 86_400_000;
    expect((await user(accessToken)).status).toBe(200);
  });

  it('live ten at a time per user, app and scopes: the oldest is revoked', async () => {
    const other = await signIn({ scope: 'gist' });
    const tokens: string[] = [];
    for (let index = 0; index < 11; index++) tokens.push(await signIn({ scope: 'repo' }));
    expect((await user(tokens[0] ?? '')).status).toBe(401);
    expect((await user(tokens[1] ?? '')).status).toBe(200);
    expect((await user(other)).status).toBe(200);
  });

  it.each(['revoke', 'expire', 'disable', 'delete', 'require-mfa'])(
    'are bad credentials after %s',
    async (action) => {
      const accessToken = await signIn();
      await idp.knob(action);
      const answer = await user(accessToken);
      expect([answer.status, answer.body.message]).toEqual([401, 'Bad credentials']);
      await idp.admin('POST', '/reset');
    },
  );

  it('one is ended by DELETE …/token, all by DELETE …/grant, both with Basic', async () => {
    const [first, second, third] = [await signIn(), await signIn(), await signIn()];
    const credentials = basic('Ov23', CLIENT_SECRET);
    expect((await remove('token', first, basic('Ov23', 'wrong'))).status).toBe(401);
    expect((await remove('token', first, credentials)).status).toBe(204);
    expect((await user(first)).status).toBe(401);
    expect((await user(second)).status).toBe(200);
    expect((await remove('token', first, credentials)).status).toBe(404);
    expect((await remove('token', 7, credentials)).status).toBe(422);
    expect((await remove('grant', second, credentials)).status).toBe(204);
    expect((await user(third)).status).toBe(401);
  });

  it('can be checked by their app', async () => {
    const accessToken = await signIn();
    const check = (credentials: string) =>
      idp.send('POST', '/github/applications/Ov23/token', {
        headers: { authorization: credentials },
        body: JSON.stringify({ access_token: accessToken }),
      });
    const answer = await check(basic('Ov23', CLIENT_SECRET));
    expect(answer.body).toMatchObject({ scopes: ['user:email'], expires_at: null, user: { login: 'alice' } });
    expect((await check(basic('Iv1', 'other'))).status).toBe(401);
  });
});

describe('github: tokens of a GitHub App', () => {
  it('live 8 hours and come with a refresh token of 6 months, without scopes', async () => {
    const answer = await appSignIn();
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^ghu_/),
      expires_in: 28_800,
      refresh_token: expect.stringMatching(/^ghr_/),
      refresh_token_expires_in: 15_897_600,
      scope: '',
      token_type: 'bearer',
    });
    idp.clock.now += 28_800_000;
    expect((await user(field(answer, 'access_token'))).status).toBe(401);
    idp.clock.now += (15_897_600 - 28_800) * 1000;
    expect((await refresh(field(answer, 'refresh_token'))).body.error).toBe('bad_refresh_token');
  });

  it('refreshing spends the refresh token and ends the old access token', async () => {
    const first = await appSignIn();
    const second = await refresh(field(first, 'refresh_token'));
    expect((await user(field(first, 'access_token'))).status).toBe(401);
    expect((await user(field(second, 'access_token'))).status).toBe(200);
    const again = await refresh(field(first, 'refresh_token'));
    expect([again.status, again.body.error]).toEqual([200, 'bad_refresh_token']);
    expect((await refresh(field(second, 'refresh_token'))).body).toHaveProperty('access_token');
  });

  it('of two refreshes at once one wins', async () => {
    const refreshToken = field(await appSignIn(), 'refresh_token');
    const answers = await Promise.all([1, 2, 3, 4].map(() => refresh(refreshToken)));
    expect(answers.filter(({ body }) => 'access_token' in body)).toHaveLength(1);
  });

  it('a refresh token serves its own app only', async () => {
    const refreshToken = field(await appSignIn(), 'refresh_token');
    expect((await refresh(refreshToken, OAUTH_APP)).body.error).toBe('bad_refresh_token');
    expect((await refresh(refreshToken)).body).toHaveProperty('access_token');
  });

  it('a fault at the token endpoint is status 200 too', async () => {
    await idp.admin('POST', '/faults', {
      path: '/github/login/oauth/access_token',
      error: 'bad_refresh_token',
    });
    const answer = await refresh('x');
    expect([answer.status, answer.body.error]).toEqual([200, 'bad_refresh_token']);
  });
});

describe('github: the API', () => {
  it('tells who signed in; the e-mail address only at /user/emails and only with its scope', async () => {
    const accessToken = await signIn();
    const answer = await user(accessToken);
    expect(answer.body).toMatchObject({
      login: 'alice',
      id: expect.any(Number),
      name: 'Alice Adams',
      email: null,
    });
    expect(answer.headers.get('x-oauth-scopes')).toBe('user:email');
    const emails = await idp.bearer('/github/user/emails', accessToken);
    expect(JSON.parse(emails.text)).toEqual([
      { email: 'alice.adams@contoso.test', primary: true, verified: true, visibility: 'private' },
    ]);
    expect((await idp.bearer('/github/user/emails', await signIn({ scope: undefined }))).status).toBe(404);
    const app = await appSignIn();
    expect((await idp.bearer('/github/user/emails', field(app, 'access_token'))).status).toBe(200);
  });

  it('scopes that cannot be any are silently left out', async () => {
    const accessToken = await signIn({ scope: 'gist Ünsinn,"x" repo:status' });
    expect((await user(accessToken)).headers.get('x-oauth-scopes')).toBe('gist, repo:status');
  });

  it('takes the scheme token too, and refuses no token, a malformed one, and no User-Agent', async () => {
    const accessToken = await signIn();
    const scheme = await idp.send('GET', '/github/user', {
      headers: { authorization: `token ${accessToken}` },
    });
    expect(scheme.status).toBe(200);
    expect((await idp.get('/github/user')).status).toBe(401);
    expect((await user('gho_nonsense')).status).toBe(401);
    const silent = await idp.send('GET', '/github/user', {
      headers: { authorization: `Bearer ${accessToken}`, 'user-agent': '' },
    });
    expect(silent.status).toBe(403);
  });

  it('a handle from the directory file is the login', async () => {
    const accessToken = await signIn({ login: 'bobby' });
    expect((await user(accessToken)).body.login).toBe('bobby');
  });
});
