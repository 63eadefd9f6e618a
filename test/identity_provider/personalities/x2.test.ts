import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, field, formFields, location, pkce } from '../support/provider.js';
import {
  basic,
  CALLBACK,
  CLIENT_SECRET,
  codeIn,
  form,
  HINT,
  type SocialProvider,
  startSocialProvider,
} from '../support/social.js';

const SCOPE = 'tweet.read users.read offline.access';
const AUTH = { authorization: basic('x-app', CLIENT_SECRET) };
const INVALID = { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' };
const { verifier, challenge } = pkce();
type Values = Readonly<Record<string, string | undefined>>;
type Headers = Readonly<Record<string, string>>;

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());

const authorize = (values: Values = {}): Promise<Answer> => {
  const bound = {
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 's',
    response_type: 'code',
  };
  const usual = { client_id: 'x-app', redirect_uri: CALLBACK, scope: SCOPE, login_hint: HINT };
  return idp.query('/x2/i/oauth2/authorize', bound, usual, values);
};
const token = (values: Values, headers: Headers = AUTH): Promise<Answer> =>
  idp.send('POST', '/x2/2/oauth2/token', { body: form(values), headers });
const redeem = (code: string, values: Values = {}, headers: Headers = AUTH): Promise<Answer> => {
  const usual = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier };
  return token({ ...usual, ...values }, headers);
};
const signIn = async (values: Values = {}): Promise<Answer> => redeem(codeIn(await authorize(values)));
const refresh = (refreshToken: string, headers: Headers = AUTH, values: Values = {}): Promise<Answer> =>
  token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...values }, headers);
const me = (accessToken: string): Promise<Answer> => idp.bearer('/x2/2/users/me', accessToken);
const revoke = (accessToken: string, headers: Headers = AUTH): Promise<Answer> =>
  idp.send('POST', '/x2/2/oauth2/revoke', { body: form({ token: accessToken }), headers });

describe('x2: authorize', () => {
  it.each<[string, Values]>([
    ['an unknown app', { client_id: 'nobody' }],
    ['a redirect URI that is not registered', { redirect_uri: 'https://evil.test/' }],
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a malformed challenge', { code_challenge: 'short' }],
    ['no state', { state: undefined }],
    ['an unknown scope', { scope: 'tweet.everything' }],
    ['another response type', { response_type: 'token' }],
  ])('shows %s on a page', async (_, values) => {
    const answer = await authorize(values);
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
  });

  it('Cancel is access_denied', async () => {
    const page = await authorize({ login_hint: undefined });
    const body = form(formFields(page.text), { cancel: '1' });
    const back = location(await idp.send('POST', '/x2/sign_in', { body }));
    expect(Object.fromEntries(back)).toEqual({ error: 'access_denied', state: 's' });
  });
});

describe('x2: tokens', () => {
  it('live two hours, with a refresh token only for offline.access', async () => {
    const answer = await signIn();
    expect(answer.body).toEqual({
      token_type: 'bearer',
      expires_in: 7200,
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      scope: SCOPE,
    });
    expect((await signIn({ scope: 'tweet.read' })).body).not.toHaveProperty('refresh_token');
    idp.clock.now += 7_200_000;
    expect((await me(field(answer, 'access_token'))).status).toBe(401);
  });

  it('tell who signed in, with the scopes for it', async () => {
    const answer = await me(field(await signIn(), 'access_token'));
    const { data } = answer.body;
    expect(data).toEqual({ id: expect.stringMatching(/^\d{19}$/), name: 'Alice Adams', username: 'alice' });
    const narrow = await signIn({ scope: 'tweet.read' });
    expect((await me(field(narrow, 'access_token'))).status).toBe(403);
    expect((await idp.get('/x2/2/users/me')).status).toBe(401);
  });

  it('a refresh token counts once; its successor and the access token before live on', async () => {
    const first = await signIn();
    const second = await refresh(field(first, 'refresh_token'));
    expect(second.body).toMatchObject({ expires_in: 7200, scope: SCOPE });
    expect((await me(field(first, 'access_token'))).status).toBe(200);
    expect((await refresh(field(second, 'refresh_token'))).status).toBe(200);
  });

  it('a spent refresh token shown again kills the whole family, and no other', async () => {
    const [first, other] = [await signIn(), await signIn()];
    const second = await refresh(field(first, 'refresh_token'));
    const reuse = await refresh(field(first, 'refresh_token'));
    expect([reuse.status, reuse.body]).toEqual([400, INVALID]);
    expect((await refresh(field(second, 'refresh_token'))).body).toEqual(INVALID);
    expect((await me(field(second, 'access_token'))).status).toBe(401);
    expect((await refresh(field(other, 'refresh_token'))).status).toBe(200);
    expect(idp.lines.join('\n')).toContain('refresh token reused');
  });

  it('however a chain is walked, at most one refresh token of it ever works', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 5 }), { maxLength: 6 }), async (picks) => {
        const chain = [field(await signIn(), 'refresh_token')];
        let alive = true;
        for (const pick of picks) {
          const index = Math.min(pick, chain.length - 1);
          const answer = await refresh(chain[index] ?? '');
          const newest = index === chain.length - 1;
          expect(answer.status).toBe(alive && newest ? 200 : 400);
          alive = alive && newest;
          if (answer.status === 200) chain.push(field(answer, 'refresh_token'));
        }
      }),
      { numRuns: 15 },
    );
  });

  it('of refreshes at the same time one at most wins', async () => {
    const refreshToken = field(await signIn(), 'refresh_token');
    const answers = await Promise.all([1, 2, 3].map(() => refresh(refreshToken)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it.each(['revoke', 'expire', 'disable', 'delete', 'require-mfa'])(
    'after %s the refresh fails as 400 invalid_request, and works after a new sign-in',
    async (action) => {
      const { body } = await signIn();
      await idp.knob(action);
      const answer = await refresh(String(body.refresh_token));
      expect([answer.status, answer.body]).toEqual([400, INVALID]);
      await idp.admin('POST', '/reset');
      await idp.knob('restore');
      expect((await refresh(field(await signIn(), 'refresh_token'))).status).toBe(200);
    },
  );

  it('end after six months without use', async () => {
    const { body } = await signIn();
    idp.clock.now += 180 * 86_400_000;
    expect((await refresh(String(body.refresh_token))).body).toEqual(INVALID);
  });

  it('end when the user removes the app', async () => {
    const { body } = await signIn();
    await idp.removeApp('x2', 'x-app');
    expect((await refresh(String(body.refresh_token))).body).toEqual(INVALID);
  });

  it.each(['refresh_token', 'access_token'])('revocation by the %s ends its family only', async (which) => {
    const [mine, other] = [await signIn(), await signIn()];
    expect((await revoke(field(mine, which))).body).toEqual({ revoked: true });
    expect((await refresh(field(mine, 'refresh_token'))).status).toBe(400);
    expect((await me(field(mine, 'access_token'))).status).toBe(401);
    expect((await refresh(field(other, 'refresh_token'))).status).toBe(200);
    expect((await revoke('nonsense')).body).toEqual({ revoked: true });
    expect((await revoke(field(other, which), {})).status).toBe(400);
  });
});

describe('x2: the token endpoint refuses', () => {
  it.each<[string, Values, Headers, number, string]>([
    ['a wrong secret', {}, { authorization: basic('x-app', 'wrong') }, 401, 'unauthorized_client'],
    [
      'a secret in the form',
      { client_id: 'x-app', client_secret: CLIENT_SECRET },
      {},
      401,
      'unauthorized_client',
    ],
    ['no client at all', {}, {}, 400, 'invalid_request'],
    ['a code of another client', { client_id: 'x-public' }, {}, 400, 'invalid_request'],
    ['no verifier', { code_verifier: undefined }, AUTH, 400, 'invalid_request'],
    ['a wrong verifier', { code_verifier: 'b'.repeat(43) }, AUTH, 400, 'invalid_request'],
    ['no redirect URI', { redirect_uri: undefined }, AUTH, 400, 'invalid_request'],
    ['another redirect URI', { redirect_uri: 'http://localhost:8080/x' }, AUTH, 400, 'invalid_request'],
    ['a malformed code', { code: 'x' }, AUTH, 400, 'invalid_request'],
    ['no grant type', { grant_type: undefined }, AUTH, 400, 'invalid_request'],
    ['an unknown grant type', { grant_type: 'password' }, AUTH, 400, 'unsupported_grant_type'],
  ])('%s', async (_, values, headers, status, error) => {
    const answer = await redeem(codeIn(await authorize()), values, headers);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  it('a code twice, and after half a minute', async () => {
    const code = codeIn(await authorize());
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code)).status).toBe(400);
    const old = codeIn(await authorize());
    idp.clock.now += 31_000;
    expect((await redeem(old)).body.error_description).toBe(
      'Value passed for the authorization code was invalid.',
    );
  });

  it('a refresh token of another client, without spending it', async () => {
    const refreshToken = field(await signIn(), 'refresh_token');
    expect((await refresh(refreshToken, {}, { client_id: 'x-public' })).body).toEqual(INVALID);
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it('but a public client comes without a secret', async () => {
    const code = codeIn(await authorize({ client_id: 'x-public' }));
    const answer = await redeem(code, { client_id: 'x-public' }, {});
    const next = await refresh(field(answer, 'refresh_token'), {}, { client_id: 'x-public' });
    expect(next.status).toBe(200);
  });
});
