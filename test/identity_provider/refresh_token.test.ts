import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALICE, BROKER, GRAPH_URI, MULTI, ORDERS, OTHER_TID, REPORT } from './support/directory.js';
import { claims, codes, field, startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
let token: string;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());
beforeEach(async () => {
  await idp.admin('POST', '/reset', {});
  token = field(await idp.signIn('openid profile offline_access User.Read Mail.Read'), 'refresh_token');
});

const user = (action: string, body: object = {}) =>
  idp.admin('POST', `/users/alice@contoso.test/${action}`, body);

describe('scopes', () => {
  it('the token holds all consented scopes of the resource, whichever were asked for', async () => {
    const answer = await idp.refresh(token, 'User.Read offline_access');
    expect(answer.body.scope).toBe('User.Read Mail.Read openid profile');
    expect(claims(answer)).toMatchObject({
      scp: 'User.Read Mail.Read openid profile',
      aud: GRAPH_URI,
      ver: '1.0',
    });
  });

  it('with narrowing on it holds only those asked for; .default still brings all', async () => {
    await idp.admin('POST', '/narrowing', { on: true });
    expect(claims(await idp.refresh(token, 'User.Read')).scp).toBe('User.Read');
    expect(claims(await idp.refresh(token, `${GRAPH_URI}/.default`)).scp).toBe(
      'User.Read Mail.Read openid profile',
    );
  });

  it('any consented resource can be had: by admin consent, pre-authorization or the user', async () => {
    const orders = await idp.refresh(token, 'api://orders/orders.read');
    expect(orders.body.scope).toBe('api://orders/orders.read api://orders/orders.write');
    expect(claims(orders)).toMatchObject({
      aud: 'api://orders',
      scp: 'orders.read orders.write',
      appid: BROKER,
    });
    await user('consent', { app_id: BROKER, resource: 'api://token-broker', scopes: ['access_as_user'] });
    expect(claims(await idp.refresh(token, 'api://token-broker/.default'))).toMatchObject({
      aud: BROKER,
      ver: '2.0',
    });
  });

  it('of several resources the first is given', async () => {
    expect(claims(await idp.refresh(token, `api://orders/orders.read ${GRAPH_URI}/User.Read`)).aud).toBe(
      'api://orders',
    );
  });

  it('written with the resource in front, scopes come back so', async () => {
    const answer = await idp.refresh(token, `${GRAPH_URI}/User.Read`);
    expect(answer.body.scope).toBe(`${GRAPH_URI}/User.Read ${GRAPH_URI}/Mail.Read openid profile`);
  });

  it.each([
    ['Mail.Send', 'invalid_grant', 65001],
    ['api://token-broker/.default', 'invalid_grant', 65001],
    [`${GRAPH_URI}/.default User.Read`, 'invalid_scope', 70011],
    ['api://orders/', 'invalid_scope', 70011],
    ['/User.Read', 'invalid_scope', 70011],
    ['User.Read\u0001', 'invalid_scope', 70011],
    ['No.Such', 'invalid_scope', 28002],
    ['api://nobody/.default', 'invalid_resource', 500011],
  ])('scope %s is refused as %s', async (scope, error, code) => {
    await user('revoke-consent', { app_id: BROKER, resource: 'api://token-broker' });
    const answer = await idp.refresh(token, scope);
    expect(answer).toMatchObject({ status: 400, body: { error, error_codes: [code] } });
    if (code === 65001) expect(answer.body.suberror).toBe('consent_required');
  });

  it('consent withdrawn is 65001 at once, an admin’s too, and the refresh token stays good for the rest', async () => {
    await user('revoke-consent', { app_id: BROKER, resource: 'api://orders', scopes: ['orders.read'] });
    expect(codes(await idp.refresh(token, 'api://orders/orders.read'))).toEqual([65001]);
    expect(claims(await idp.refresh(token, 'api://orders/.default')).scp).toBe('orders.write');
    await user('revoke-consent', { app_id: BROKER, resource: ORDERS });
    expect(codes(await idp.refresh(token, 'api://orders/.default'))).toEqual([65001]);
    expect((await idp.refresh(token, 'User.Read')).status).toBe(200);
    await user('consent', { app_id: BROKER, resource: 'api://orders' });
    expect(claims(await idp.refresh(token, 'api://orders/.default')).scp).toBe('orders.read orders.write');
  });
});

describe('the refresh token', () => {
  it('each use gives a new one, and the old one stays good', async () => {
    const next = field(await idp.refresh(token), 'refresh_token');
    expect(next).not.toBe(token);
    expect((await idp.refresh(token)).status).toBe(200);
    expect((await idp.refresh(next)).status).toBe(200);
  });

  it('comes only where offline_access is asked for; the ID token only where openid is', async () => {
    const answer = await idp.refresh(token, 'User.Read');
    expect(answer.body).not.toHaveProperty('refresh_token');
    expect(answer.body).not.toHaveProperty('id_token');
    expect(claims(await idp.refresh(token, 'openid profile User.Read'), 'id_token').oid).toBe(ALICE);
  });

  it('expires after its idle time, which each new one starts anew (700082)', async () => {
    await idp.admin('POST', '/lifetimes', { refreshTokenSeconds: 100 });
    idp.clock.now += 99_000;
    const next = field(await idp.refresh(token), 'refresh_token');
    idp.clock.now += 1000;
    const answer = await idp.refresh(token);
    expect(answer.body).toMatchObject({ error: 'invalid_grant', error_codes: [700082] });
    expect(answer.body.error_description).toContain('inactive for 0.00:01:40');
    expect((await idp.refresh(next)).status).toBe(200);
  });

  it('malformed, altered or of another kind is 9002313 as invalid_grant', async () => {
    const altered = `${token.slice(0, -2)}${token.endsWith('A') ? 'B' : 'A'}x`;
    for (const bad of ['x', altered, await idp.codeFor()]) {
      expect((await idp.refresh(bad)).body).toMatchObject({ error: 'invalid_grant', error_codes: [9002313] });
    }
  });

  it('is bound to its client (70000, bad_token)', async () => {
    const answer = await idp.refresh(token, undefined, { client_id: REPORT, client_secret: 'report-secret' });
    expect(answer.body).toMatchObject({
      error: 'invalid_grant',
      suberror: 'bad_token',
      error_codes: [70000],
    });
  });

  it('is for the user’s tenant only (50020)', async () => {
    const multi = { client_id: MULTI, client_secret: 'multi-secret' };
    const code = await idp.codeFor({ client_id: MULTI });
    const own = field(await idp.redeem(code, multi), 'refresh_token');
    expect(
      codes(await idp.token({ grant_type: 'refresh_token', refresh_token: own, ...multi }, OTHER_TID)),
    ).toEqual([50020]);
    expect(
      (await idp.token({ grant_type: 'refresh_token', refresh_token: own, ...multi }, 'common')).status,
    ).toBe(200);
  });
});

describe('what happens to a user', () => {
  it('revoked: 50173 bad_token for all earlier tokens, codes too; a new sign-in in the same instant is fine', async () => {
    const code = await idp.codeFor();
    await user('revoke');
    const answer = await idp.refresh(token);
    expect(answer.body).toMatchObject({
      error: 'invalid_grant',
      suberror: 'bad_token',
      error_codes: [50173],
    });
    expect(answer.body.error_description).toContain('TokensValidFrom');
    expect(codes(await idp.redeem(code))).toEqual([50173]);
    const fresh = field(await idp.signIn(), 'refresh_token');
    expect((await idp.refresh(fresh)).status).toBe(200);
    await idp.admin('POST', '/reset', {});
    expect(codes(await idp.refresh(token))).toEqual([50173]);
  });

  it('disabled: 50057 until enabled again', async () => {
    await user('disable');
    expect((await idp.refresh(token)).body).toMatchObject({ error: 'invalid_grant', error_codes: [50057] });
    await user('enable');
    expect((await idp.refresh(token)).status).toBe(200);
  });

  it('deleted: 500341 until restored', async () => {
    await user('delete');
    expect((await idp.refresh(token)).body).toMatchObject({ error: 'invalid_grant', error_codes: [500341] });
    await user('restore');
    expect((await idp.refresh(token)).status).toBe(200);
  });

  it('expired by the admin: 700082 for earlier tokens only', async () => {
    await user('expire');
    expect(codes(await idp.refresh(token))).toEqual([700082]);
    expect((await idp.refresh(field(await idp.signIn(), 'refresh_token'))).status).toBe(200);
  });

  it('second factor required: 50076 basic_action with claims, until satisfied', async () => {
    await user('require-mfa');
    const answer = await idp.refresh(token);
    expect(answer.body).toMatchObject({
      error: 'invalid_grant',
      suberror: 'basic_action',
      error_codes: [50076],
    });
    expect(JSON.parse(field(answer, 'claims'))).toHaveProperty('access_token.capolids.essential', true);
    await user('satisfy-mfa');
    expect((await idp.refresh(token)).status).toBe(200);
    expect(claims(await idp.signIn()).amr).toEqual(['pwd', 'mfa']);
  });
});

describe('lifetimes', () => {
  it('are as set, in the answer and in the tokens; long ones also say when to refresh early', async () => {
    await idp.admin('POST', '/lifetimes', { accessTokenSeconds: 7, idTokenSeconds: 9 });
    const answer = await idp.refresh(token, 'openid User.Read');
    const now = Math.floor(idp.clock.now / 1000);
    expect(answer.body).toMatchObject({ expires_in: 7, ext_expires_in: 7 });
    expect(claims(answer).exp).toBe(now + 7);
    expect(claims(answer, 'id_token').exp).toBe(now + 9);
    expect(answer.body).not.toHaveProperty('refresh_in');
    await idp.admin('POST', '/lifetimes', { accessTokenSeconds: 7200 });
    expect((await idp.refresh(token)).body.refresh_in).toBe(3600);
  });
});
