import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB } from '../support/directory.js';
import { GOOGLE_CLIENT, googleApp } from '../support/google.js';
import { claims, cookieOf, field, formFields, location } from '../support/provider.js';
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

const CLIENT = GOOGLE_CLIENT;
type Values = Readonly<Record<string, string | undefined>>;

let idp: SocialProvider;
let app: ReturnType<typeof googleApp>;
beforeAll(async () => {
  idp = await startSocialProvider();
  app = googleApp(idp);
});
afterAll(() => idp.stop());

describe('google: a standard client', () => {
  it('discovers, signs in with PKCE and nonce, validates the ID token, asks userinfo, refreshes and revokes', async () => {
    const real = await startSocialProvider({ now: Date.now });
    const config = await client.discovery(new URL(`${real.url}/google`), CLIENT, CLIENT_SECRET, undefined, {
      execute: [client.allowInsecureRequests],
    });
    const [pkceCodeVerifier, expectedState, expectedNonce] = [
      client.randomPKCECodeVerifier(),
      client.randomState(),
      client.randomNonce(),
    ];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid email profile',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      access_type: 'offline',
      login_hint: HINT,
    });
    const back = await fetch(url, { redirect: 'manual' });
    const target = new URL(back.headers.get('location') ?? '');
    const tokens = await client.authorizationCodeGrant(config, target, {
      pkceCodeVerifier,
      expectedState,
      expectedNonce,
      idTokenExpected: true,
    });
    const sub = tokens.claims()?.sub ?? '';
    expect(await client.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject({
      email: 'alice.adams@contoso.test',
      given_name: 'Alice',
      family_name: 'Adams',
    });
    const again = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(again.claims()?.sub).toBe(sub);
    await client.tokenRevocation(config, tokens.refresh_token ?? '');
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await real.stop();
  });
});

describe('google: the authorization endpoint', () => {
  it.each<[string, Values]>([
    ['an unknown client', { client_id: 'nobody' }],
    ['a redirect URI that is not registered', { redirect_uri: 'https://evil.test/cb' }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['no scope', { scope: undefined }],
    ['an unknown scope', { scope: 'nonsense' }],
    ['another response type', { response_type: 'token' }],
    ['an unknown access type', { access_type: 'often' }],
    ['an unknown prompt', { prompt: 'login' }],
    ['prompt none with another', { prompt: 'none consent' }],
    ['a malformed challenge', { code_challenge: 'short', code_challenge_method: 'S256' }],
  ])('shows %s on a page and redirects nowhere', async (_, values) => {
    const answer = await app.authorize(values);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers.get('location')).toBeNull();
  });

  it('refuses a parameter given twice', async () => {
    const query = `${form({ client_id: CLIENT, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' })}&scope=email`;
    expect((await idp.get(`/google/o/oauth2/v2/auth?${query}`)).status).toBe(400);
  });

  it('without a hint shows a page whose button signs in, with what was left unticked left out', async () => {
    const page = await app.authorize({ login_hint: undefined });
    expect(page.status).toBe(200);
    expect(page.text).toContain('<html lang="en">');
    const body = form(formFields(page.text), { user: ALICE, allow: 'openid' });
    const back = await idp.send('POST', '/google/sign_in', { body });
    expect(location(back).get('state')).toBe('s');
    const answer = await app.redeem(codeIn(back));
    expect(answer.body.scope).toBe('openid');
  });

  it('Cancel sends access_denied to the app', async () => {
    const page = await app.authorize({ login_hint: undefined });
    const body = form(formFields(page.text), { cancel: '1' });
    const back = location(await idp.send('POST', '/google/sign_in', { body }));
    expect(Object.fromEntries(back)).toEqual({ error: 'access_denied', state: 's' });
  });

  it('takes the form only of its own fresh page, and from its own site', async () => {
    const page = await app.authorize({ login_hint: undefined });
    const body = form(formFields(page.text), { user: ALICE });
    const foreign = await idp.send('POST', '/google/sign_in', {
      body,
      headers: { origin: 'https://evil.test' },
    });
    expect(foreign.status).toBe(400);
    expect((await idp.send('POST', '/apple/sign_in', { body })).status).toBe(400);
    idp.clock.now += 901_000;
    expect((await idp.send('POST', '/google/sign_in', { body })).status).toBe(400);
  });

  it('prompt=none answers for a session that has consented, and refuses without one', async () => {
    const cookie = cookieOf(await app.authorize());
    const silent = { login_hint: undefined, prompt: 'none' };
    expect(location(await app.authorize(silent)).get('error')).toBe('interaction_required');
    expect(codeIn(await app.authorize(silent, { cookie }))).not.toBe('');
    const more = await app.authorize({ ...silent, scope: 'openid https://mail.google.com/' }, { cookie });
    expect(location(more).get('error')).toBe('interaction_required');
  });

  it('hd admits only accounts of that domain', async () => {
    expect(codeIn(await app.authorize({ hd: 'contoso.test' }))).not.toBe('');
    expect(codeIn(await app.authorize({ hd: '*' }))).not.toBe('');
    expect((await app.authorize({ hd: 'fabrikam.test' })).status).toBe(200);
    const mine = await app.authorize({ hd: 'contoso.test', login_hint: 'audra@contoso.test' });
    expect(mine.headers.get('location')).toBeNull();
  });

  it('a disabled account gets no further than a page', async () => {
    await idp.knob('disable');
    expect((await app.authorize()).status).toBe(403);
    await idp.knob('enable');
  });
});

describe('google: the token endpoint refuses', () => {
  it.each<[string, Values, number, string]>([
    ['an unknown client', { client_id: 'nobody' }, 401, 'invalid_client'],
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
    ['no secret', { client_secret: undefined }, 401, 'invalid_client'],
    ['an unknown grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['no code', { code: undefined }, 400, 'invalid_request'],
    ['a malformed code', { code: '4/0nonsense' }, 400, 'invalid_grant'],
    ['no redirect URI', { redirect_uri: undefined }, 400, 'invalid_request'],
    ['another redirect URI', { redirect_uri: 'http://localhost:8080/other' }, 400, 'redirect_uri_mismatch'],
    ['a code of another client', { client_id: 'g2.apps.test', client_secret: 'other' }, 400, 'invalid_grant'],
  ])('%s', async (_, values, status, error) => {
    const code = codeIn(await app.authorize());
    const answer = await app.redeem(code, values);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  it('a code twice, an old code, a wrong or missing verifier, a foreign refresh token', async () => {
    const code = codeIn(await app.authorize());
    expect((await app.redeem(code)).status).toBe(200);
    expect((await app.redeem(code)).body.error).toBe('invalid_grant');
    const old = codeIn(await app.authorize());
    idp.clock.now += 601_000;
    expect((await app.redeem(old)).body.error).toBe('invalid_grant');
    const challenge = { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' };
    const bound = codeIn(await app.authorize(challenge));
    expect((await app.redeem(bound)).body.error_description).toBe('Missing code verifier.');
    expect((await app.redeem(bound, { code_verifier: 'b'.repeat(43) })).body.error_description).toBe(
      'Invalid code verifier.',
    );
    expect((await app.redeem(bound, { code_verifier: 'a'.repeat(43) })).status).toBe(200);
    const foreign = { client_id: 'g2.apps.test', client_secret: 'other' };
    const answer = await app.refresh(field(await app.signIn(), 'refresh_token'), foreign);
    expect([answer.status, answer.body.error]).toEqual([401, 'unauthorized_client']);
  });

  it('but takes HTTP Basic', async () => {
    const body = form({
      grant_type: 'refresh_token',
      refresh_token: field(await app.signIn(), 'refresh_token'),
    });
    const headers = { authorization: basic(CLIENT, CLIENT_SECRET) };
    expect((await idp.send('POST', '/google/token', { body, headers })).status).toBe(200);
  });
});

describe('google: tokens', () => {
  it('ID tokens have Google’s claims', async () => {
    const answer = await app.signIn({ nonce: 'n', scope: 'openid email profile' });
    expect(claims(answer, 'id_token')).toEqual({
      iss: `${idp.url}/google`,
      azp: CLIENT,
      aud: CLIENT,
      sub: expect.stringMatching(/^\d{21}$/),
      hd: 'contoso.test',
      email: 'alice.adams@contoso.test',
      email_verified: true,
      name: 'Alice Adams',
      picture: `${idp.url}/google/picture/${ALICE}`,
      given_name: 'Alice',
      family_name: 'Adams',
      at_hash: expect.stringMatching(/^[\w-]{22}$/),
      nonce: 'n',
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    const bob = claims(await app.signIn({ login_hint: BOB, scope: 'openid email' }), 'id_token');
    expect(bob).toMatchObject({ email: 'bob@mail.test', email_verified: false });
    expect(bob).not.toHaveProperty('hd');
    const audra = claims(await app.signIn({ login_hint: '111111111111111111111' }), 'id_token');
    expect(audra.sub).toBe('111111111111111111111');
  });

  it('tokeninfo tells what a token is, and only while it works', async () => {
    const answer = await app.signIn();
    const access = field(answer, 'access_token');
    expect(access.startsWith('ya29.')).toBe(true);
    const info = await idp.query('/google/tokeninfo', { access_token: access });
    expect(info.body).toMatchObject({ aud: CLIENT, azp: CLIENT, access_type: 'offline', expires_in: '3599' });
    const id = await idp.query('/google/tokeninfo', { id_token: field(answer, 'id_token') });
    expect(id.body).toMatchObject({ aud: CLIENT, email_verified: 'true' });
    idp.clock.now += 3_599_000;
    const over = await idp.query('/google/tokeninfo', { access_token: access });
    expect([over.status, over.body.error]).toEqual([400, 'invalid_token']);
    const user = await idp.bearer('/google/v1/userinfo', access);
    expect([user.status, user.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('invalid_token'),
    ]);
  });

  it('tokeninfo refuses ID tokens of another personality', async () => {
    const entra = await idp.signIn('openid');
    const answer = await idp.query('/google/tokeninfo', { id_token: field(entra, 'id_token') });
    expect(answer.status).toBe(400);
  });

  it.each(['access_token', 'refresh_token'])('revoking by the %s ends the whole consent', async (which) => {
    const answer = await app.signIn();
    const other = await app.signIn();
    const body = form({ token: field(answer, which) });
    expect((await idp.send('POST', '/google/revoke', { body })).status).toBe(200);
    expect((await app.refresh(field(other, 'refresh_token'))).body.error).toBe('invalid_grant');
    expect((await idp.bearer('/google/v1/userinfo', field(other, 'access_token'))).status).toBe(401);
    const again = await idp.send('POST', '/google/revoke', { body });
    expect([again.status, again.body.error]).toEqual([400, 'invalid_token']);
    expect((await idp.send('POST', '/google/revoke', {})).body.error).toBe('invalid_request');
  });

  it('lifetimes set by the admin hold', async () => {
    await idp.admin('POST', '/lifetimes', { accessTokenSeconds: 7 });
    const answer = await app.signIn();
    expect(answer.body.expires_in).toBe(7);
    idp.clock.now += 7000;
    expect((await idp.bearer('/google/v1/userinfo', field(answer, 'access_token'))).status).toBe(401);
    await idp.admin('POST', '/reset');
  });

  it('logout ends the session and returns only to the origin of a registered redirect URI', async () => {
    const out = await idp.query('/google/logout', { continue: 'http://localhost:8080/.auth/logout/done' });
    expect(out.headers.get('location')).toBe('http://localhost:8080/.auth/logout/done');
    expect(out.headers.get('set-cookie')).toContain('idp_google=; ');
    expect((await idp.query('/google/logout', { continue: 'https://evil.test/' })).status).toBe(200);
    expect((await idp.query('/google/logout', { continue: 'javascript:1' })).status).toBe(200);
  });
});
