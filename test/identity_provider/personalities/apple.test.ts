import { generateKeyPairSync } from 'node:crypto';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE } from '../support/directory.js';
import { type Answer, claims, field, formFields, location } from '../support/provider.js';
import {
  type AppleSecret,
  appleSecret,
  CALLBACK,
  codeIn,
  form,
  HINT,
  type SocialProvider,
  startSocialProvider,
} from '../support/social.js';

const CLIENT = 'test.contoso.web';
const DAY = 86_400_000;
type Values = Readonly<Record<string, string | undefined>>;

let idp: SocialProvider;
beforeAll(async () => {
  idp = await startSocialProvider();
});
afterAll(() => idp.stop());

const authorize = (values: Values = {}): Promise<Answer> => {
  const usual = { client_id: CLIENT, redirect_uri: CALLBACK, response_type: 'code', state: 's' };
  const posted = { response_mode: 'form_post', scope: 'name email', login_hint: HINT };
  return idp.query('/apple/auth/authorize', usual, posted, values);
};
/** What the page posts to the app. */
const posted = async (values: Values = {}) => formFields((await authorize(values)).text);
const token = async (values: Values, secret: AppleSecret = {}): Promise<Answer> => {
  const credentials = { client_id: CLIENT, client_secret: await appleSecret(idp, secret) };
  return idp.send('POST', '/apple/auth/token', { body: form(credentials, values) });
};
const redeem = (code: string | undefined, values: Values = {}): Promise<Answer> =>
  token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...values });
const signIn = async (values: Values = {}): Promise<Answer> => redeem((await posted(values)).code);
const refresh = (refreshToken: string, values: Values = {}, secret: AppleSecret = {}): Promise<Answer> =>
  token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...values }, secret);
const revoke = async (values: Values): Promise<Answer> =>
  idp.send('POST', '/apple/auth/revoke', {
    body: form({ client_id: CLIENT, client_secret: await appleSecret(idp) }, values),
  });

describe('apple: a standard client', () => {
  it('discovers, signs in by query without scopes, validates the ID token and refreshes', async () => {
    const real = await startSocialProvider({ now: Date.now });
    const secret = await appleSecret({ url: real.url, clock: { now: Date.now() } });
    const auth = client.ClientSecretPost(secret);
    const config = await client.discovery(new URL(`${real.url}/apple`), CLIENT, undefined, auth, {
      execute: [client.allowInsecureRequests],
    });
    const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid',
      state: expectedState,
      nonce: expectedNonce,
      login_hint: HINT,
    });
    const back = await fetch(url, { redirect: 'manual' });
    const target = new URL(back.headers.get('location') ?? '');
    const checks = { expectedState, expectedNonce, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, target, checks);
    expect(tokens.claims()).toMatchObject({ nonce_supported: true });
    const again = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(again.claims()?.sub).toBe(tokens.claims()?.sub);
    await client.tokenRevocation(config, tokens.refresh_token ?? '');
    await real.stop();
  });
});

describe('apple: authorize', () => {
  it('form_post is required as soon as name or email is asked for', async () => {
    for (const scope of ['name', 'email', 'name email', 'openid email']) {
      for (const response_mode of ['query', 'fragment', undefined]) {
        const answer = await authorize({ scope, response_mode });
        expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
        expect(answer.text).toContain('response_mode must be form_post');
      }
    }
    expect(codeIn(await authorize({ scope: undefined, response_mode: undefined }))).not.toBe('');
  });

  it.each<[string, Values]>([
    ['an unknown client', { client_id: 'nobody' }],
    ['a redirect URI that is not registered', { redirect_uri: 'https://evil.test/' }],
    ['an unknown scope', { scope: 'phone' }],
    ['another response type', { response_type: 'id_token' }],
    ['an unknown response mode', { scope: undefined, response_mode: 'smoke' }],
    [
      'an ID token in the query',
      { scope: undefined, response_type: 'code id_token', response_mode: 'query' },
    ],
  ])('shows %s on a page', async (_, values) => {
    const answer = await authorize(values);
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
  });

  it('the user member comes at the first consent only, and again after the app was removed', async () => {
    await idp.removeApp('apple', CLIENT);
    const first = await posted();
    expect(JSON.parse(first.user ?? '')).toEqual({
      name: { firstName: 'Alice', lastName: 'Adams' },
      email: 'alice.adams@contoso.test',
    });
    expect(first.state).toBe('s');
    expect(await posted()).not.toHaveProperty('user');
    await idp.removeApp('apple', CLIENT);
    expect(JSON.parse((await posted({ scope: 'name' })).user ?? '')).not.toHaveProperty('email');
  });

  it('a hybrid answer posts an ID token bound to the code', async () => {
    const answer = await posted({ response_type: 'code id_token', nonce: 'n' });
    const token = claims({ status: 200, headers: new Headers(), text: '', body: answer }, 'id_token');
    expect(token).toMatchObject({ nonce: 'n', c_hash: expect.any(String), aud: CLIENT });
    expect((await redeem(answer.code)).status).toBe(200);
  });

  it('Cancel is user_cancelled_authorize', async () => {
    const page = await authorize({ login_hint: undefined });
    const cancelled = await idp.send('POST', '/apple/sign_in', {
      body: form(formFields(page.text), { cancel: '1' }),
    });
    expect(formFields(cancelled.text)).toEqual({ error: 'user_cancelled_authorize', state: 's' });
    const picked = await idp.send('POST', '/apple/sign_in', {
      body: form(formFields(page.text), { user: ALICE }),
    });
    expect(formFields(picked.text)).toHaveProperty('code');
  });
});

describe('apple: the client secret is a JWT of the registered key', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  it.each<[string, AppleSecret]>([
    ['another key', { key: other }],
    ['another key id', { kid: 'OTHER' }],
    ['another team', { iss: 'OTHERTEAM1' }],
    ['another client', { sub: 'test.contoso.daily' }],
    ['another audience', { aud: 'https://appleid.apple.com' }],
    ['an end that has passed', { life: -1 }],
    ['an end more than six months away', { life: 15_777_001 }],
  ])('not with %s', async (_, secret) => {
    const answer = await token({ grant_type: 'refresh_token', refresh_token: 'x' }, secret);
    expect([answer.status, answer.body]).toEqual([400, { error: 'invalid_client' }]);
  });

  it.each<[string, Values]>([
    ['no secret', { client_secret: undefined }],
    ['a plain word', { client_secret: 'secret' }],
    ['an unsigned JWT', { client_secret: 'eyJhbGciOiJub25lIn0.e30.' }],
    ['an unknown client', { client_id: 'nobody' }],
  ])('nor %s', async (_, values) => {
    expect((await redeem('x', values)).body).toEqual({ error: 'invalid_client' });
    expect((await revoke({ token: 'x', ...values })).body).toEqual({ error: 'invalid_client' });
  });
});

describe('apple: tokens', () => {
  it('ID tokens have Apple’s claims', async () => {
    const answer = await signIn({ nonce: 'n' });
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
    expect(claims(answer, 'id_token')).toEqual({
      iss: `${idp.url}/apple`,
      aud: CLIENT,
      exp: expect.any(Number),
      iat: expect.any(Number),
      sub: expect.stringMatching(/^\d{6}\.[0-9a-f]{32}\.\d{4}$/),
      nonce: 'n',
      at_hash: expect.any(String),
      email: 'alice.adams@contoso.test',
      email_verified: true,
      auth_time: expect.any(Number),
      nonce_supported: true,
    });
  });

  it('a hidden e-mail address is a relay address that stays the same', async () => {
    const [first, second] = [await signIn({ login_hint: 'bobby' }), await signIn({ login_hint: 'bobby' })];
    const { email, is_private_email: hidden } = claims(first, 'id_token');
    expect(email).toMatch(/^[0-9a-f]{10}@privaterelay\.appleid\.com$/);
    expect([hidden, claims(second, 'id_token').email]).toEqual([true, email]);
  });

  it('a refresh gives a new access and ID token, no other refresh token, and never ends by age', async () => {
    const first = await signIn();
    const refreshToken = field(first, 'refresh_token');
    for (let year = 0; year < 3; year++) {
      idp.clock.now += 365 * DAY;
      const answer = await refresh(refreshToken);
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('refresh_token');
      expect(field(answer, 'access_token')).not.toBe(field(first, 'access_token'));
      expect(claims(answer, 'id_token').sub).toBe(claims(first, 'id_token').sub);
    }
  });

  it('an app that is throttled refreshes once a day', async () => {
    const app = { client_id: 'test.contoso.daily' };
    const secret = { sub: app.client_id };
    const { code } = await posted(app);
    const credentials = { ...app, client_secret: await appleSecret(idp, secret) };
    const refreshToken = field(await redeem(code, credentials), 'refresh_token');
    idp.clock.now += 1000;
    expect((await refresh(refreshToken, app, secret)).status).toBe(200);
    idp.clock.now += 1000;
    expect((await refresh(refreshToken, app, secret)).status).toBe(429);
    idp.clock.now += DAY;
    expect((await refresh(refreshToken, app, secret)).status).toBe(200);
  });

  it.each(['revoke', 'expire', 'disable', 'delete', 'require-mfa'])(
    'fail with invalid_grant after %s',
    async (action) => {
      const refreshToken = field(await signIn(), 'refresh_token');
      await idp.knob(action);
      const answer = await refresh(refreshToken);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
      await idp.admin('POST', '/reset');
      await idp.knob('restore');
    },
  );

  it.each(['refresh_token', 'access_token'])('revocation by the %s ends the permission', async (which) => {
    const answer = await signIn();
    const revoked = await revoke({ token: field(answer, which) });
    expect([revoked.status, revoked.text]).toEqual([200, '']);
    expect((await refresh(field(answer, 'refresh_token'))).body.error).toBe('invalid_grant');
    expect((await posted()).user).toBeTypeOf('string');
    expect((await revoke({ token: 'nonsense' })).status).toBe(200);
    expect((await revoke({})).body.error).toBe('invalid_request');
  });

  it('the token endpoint refuses each in Apple’s words', async () => {
    const code = async () => (await posted()).code;
    const used = await code();
    expect((await redeem(used)).status).toBe(200);
    expect((await redeem(used)).body.error_description).toBe('The code has already been used.');
    const old = await code();
    idp.clock.now += 301_000;
    expect((await redeem(old)).body.error_description).toBe('The code has expired or has been revoked.');
    expect((await redeem('nonsense')).body.error).toBe('invalid_grant');
    expect((await redeem(await code(), { redirect_uri: 'http://localhost:8080/x' })).body.error).toBe(
      'invalid_grant',
    );
    expect((await token({ grant_type: 'password' })).body.error).toBe('unsupported_grant_type');
    expect((await token({})).body.error).toBe('invalid_request');
    const foreign = { client_id: 'test.contoso.daily' };
    const refreshToken = field(await signIn(), 'refresh_token');
    expect((await refresh(refreshToken, foreign, { sub: foreign.client_id })).body.error).toBe(
      'invalid_grant',
    );
    expect(location(await authorize({ scope: 'openid', response_mode: 'query' })).get('code')).toBeTruthy();
  });
});
