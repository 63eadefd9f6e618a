import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ALICE,
  AUDRA,
  BROKER,
  GRAPH_URI,
  MULTI,
  OTHER_TID,
  REDIRECT,
  REPORT,
  TID,
} from './support/directory.js';
import {
  claims,
  codes,
  field,
  formFields,
  location,
  pkce,
  startTestProvider,
  type TestProvider,
} from './support/provider.js';

let idp: TestProvider;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());

describe('authorization code', () => {
  it('a known login_hint signs in at once, with no page, and brings tokens of Entra’s shape', async () => {
    const answer = await idp.redeem(
      await idp.codeFor({ scope: 'openid profile email offline_access User.Read', nonce: 'n-1' }),
    );
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).sort()).toEqual(
      [
        'access_token',
        'expires_in',
        'ext_expires_in',
        'id_token',
        'refresh_token',
        'scope',
        'token_type',
      ].sort(),
    );
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'User.Read openid profile email',
    });
    expect(answer.headers.get('cache-control')).toContain('no-store');
    const id = claims(answer, 'id_token');
    expect(id).toMatchObject({
      aud: BROKER,
      iss: `${idp.url}/${TID}/v2.0`,
      oid: ALICE,
      tid: TID,
      name: 'Alice Adams',
      preferred_username: 'alice@contoso.test',
      email: 'alice.adams@contoso.test',
      nonce: 'n-1',
      ver: '2.0',
    });
    expect(id.exp).toBe(Math.floor(idp.clock.now / 1000) + 3600);
    expect(id.iat).toBe(Math.floor(idp.clock.now / 1000) - 300);
    expect(id.nbf).toBe(id.iat);
    for (const name of ['sub', 'sid', 'rh', 'uti', 'aio']) expect(id[name]).toEqual(expect.any(String));
  });

  it('a code works once: the second use is 54005, two at the same time give one winner', async () => {
    const code = await idp.codeFor();
    const answers = await Promise.all([idp.redeem(code), idp.redeem(code), idp.redeem(code)]);
    expect(answers.filter((one) => one.status === 200)).toHaveLength(1);
    const again = await idp.redeem(code);
    expect(again.status).toBe(400);
    expect(again.body).toMatchObject({ error: 'invalid_grant', error_codes: [54005] });
  });

  it('a code lives ten minutes, then it is 70008', async () => {
    const code = await idp.codeFor();
    idp.clock.now += 600_000;
    expect((await idp.redeem(code)).body).toMatchObject({ error: 'invalid_grant', error_codes: [70008] });
  });

  it('a code is bound to its client, redirect URI and tenant', async () => {
    const code = await idp.codeFor();
    const values = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT };
    expect(codes(await idp.token({ ...values, client_id: REPORT, client_secret: 'report-secret' }))).toEqual([
      70000,
    ]);
    expect(codes(await idp.redeem(code, { redirect_uri: 'http://localhost:1/x' }))).toEqual([500112]);
    const multi = {
      client_id: MULTI,
      client_secret: 'multi-secret',
      code: await idp.codeFor({ client_id: MULTI }),
    };
    expect(codes(await idp.token({ ...values, ...multi }, OTHER_TID))).toEqual([700005]);
    expect(codes(await idp.redeem('not-a-code'))).toEqual([9002313]);
    expect((await idp.redeem(code)).status).toBe(200);
  });

  it('PKCE: the right verifier passes, a wrong or missing one is refused without spending the code', async () => {
    const { verifier, challenge } = pkce();
    const code = await idp.codeFor({ code_challenge: challenge, code_challenge_method: 'S256' });
    expect(codes(await idp.redeem(code, { code_verifier: pkce().verifier }))).toEqual([501481]);
    expect(codes(await idp.redeem(code))).toEqual([50148]);
    expect((await idp.redeem(code, { code_verifier: verifier })).status).toBe(200);
    expect(codes(await idp.redeem(await idp.codeFor(), { code_verifier: verifier }))).toEqual([501481]);
  });

  it('one redemption is for one resource: 700022 for more, 28003 for an empty scope', async () => {
    const code = await idp.codeFor({ scope: `openid ${GRAPH_URI}/User.Read api://orders/orders.read` });
    const both = `${GRAPH_URI}/User.Read api://orders/orders.read`;
    expect((await idp.redeem(code, { scope: both })).body).toMatchObject({
      error: 'invalid_scope',
      error_codes: [700022],
    });
    expect(codes(await idp.redeem(code, { scope: ' ' }))).toEqual([28003]);
    const orders = await idp.redeem(code, { scope: 'api://orders/orders.read' });
    expect(claims(orders)).toMatchObject({ aud: 'api://orders' });
  });

  it('without offline_access there is no refresh token, without openid no ID token, without profile no oid', async () => {
    const bare = await idp.signIn('User.Read');
    expect(bare.body).not.toHaveProperty('refresh_token');
    expect(bare.body).not.toHaveProperty('id_token');
    const id = claims(await idp.signIn('openid'), 'id_token');
    expect(id).not.toHaveProperty('oid');
    expect(id).not.toHaveProperty('name');
  });

  it('app roles of the client are in its ID token, for the user who has them', async () => {
    const audra = await idp.signIn('openid profile', { login_hint: 'audra@contoso.test' });
    expect(claims(audra, 'id_token')).toMatchObject({ oid: AUDRA, roles: ['Audit.Read'] });
    expect(claims(await idp.signIn('openid profile'), 'id_token')).not.toHaveProperty('roles');
  });

  it('the subject is pairwise: the same for one app, another for the next', async () => {
    const first = claims(await idp.signIn('openid'), 'id_token').sub;
    expect(claims(await idp.signIn('openid'), 'id_token').sub).toBe(first);
    const code = await idp.codeFor({ client_id: MULTI, scope: 'openid' });
    const other = await idp.redeem(code, { client_id: MULTI, client_secret: 'multi-secret' });
    expect(claims(other, 'id_token').sub).not.toBe(first);
  });

  it('client_info names the home account when asked for', async () => {
    const answer = await idp.redeem(await idp.codeFor(), { client_info: '1' });
    expect(JSON.parse(Buffer.from(field(answer, 'client_info'), 'base64url').toString())).toEqual({
      uid: ALICE,
      utid: TID,
    });
  });
});

describe('hybrid and implicit', () => {
  it('code id_token by form_post binds the code into the ID token by c_hash', async () => {
    const page = await idp.authorize({
      response_type: 'code id_token',
      response_mode: 'form_post',
      nonce: 'n-2',
      login_hint: 'alice@contoso.test',
      state: 'a&b"<>',
    });
    expect(page.status).toBe(200);
    expect(page.text).toContain(`action="${REDIRECT}"`);
    const fields = formFields(page.text);
    expect(fields.state).toBe('a&b"<>');
    const { halfHash } = await import('../../local/identity_provider/entra/claims.js');
    const { decodeJwt } = await import('jose');
    const id = decodeJwt(fields.id_token ?? '');
    expect(id).toMatchObject({ nonce: 'n-2', c_hash: halfHash(fields.code ?? '') });
    const answer = await idp.redeem(fields.code ?? '');
    expect(claims(answer, 'id_token')).toMatchObject({ nonce: 'n-2', sub: id.sub });
  });

  it('id_token alone comes in the fragment and needs a nonce', async () => {
    const values = { response_type: 'id_token', login_hint: 'alice@contoso.test' };
    expect(location(await idp.authorize(values)).get('error_description')).toContain('AADSTS900144');
    const answer = await idp.authorize({ ...values, nonce: 'n' });
    expect(new URL(answer.headers.get('location') ?? '').hash).toContain('id_token=');
    expect(location(answer).get('code')).toBeNull();
  });
});
