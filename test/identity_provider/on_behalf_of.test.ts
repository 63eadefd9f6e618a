import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALICE, BROKER, MULTI, PUBLIC, TID } from './support/directory.js';
import {
  type Answer,
  claims,
  codes,
  field,
  startTestProvider,
  type TestProvider,
} from './support/provider.js';

let idp: TestProvider;
let assertion: string;
const ORDERS = 'api://orders/.default';

beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());
beforeEach(async () => {
  await idp.admin('POST', '/reset', {});
  assertion = await userToken('api://token-broker/access_as_user');
});

async function userToken(scope: string): Promise<string> {
  return field(await idp.signIn(scope), 'access_token');
}

function obo(values: Record<string, string> = {}): Promise<Answer> {
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  return idp.token({ grant_type, requested_token_use: 'on_behalf_of', assertion, scope: ORDERS, ...values });
}

describe('on behalf of', () => {
  it('trades a user’s token for the caller into one for the next resource, same user, caller as client', async () => {
    const answer = await obo();
    expect(answer.status).toBe(200);
    expect(claims(answer)).toMatchObject({
      aud: 'api://orders',
      oid: ALICE,
      tid: TID,
      appid: BROKER,
      scp: 'orders.read orders.write',
    });
    expect(answer.body).not.toHaveProperty('refresh_token');
  });

  it('brings a refresh token only with offline_access, bound to the caller, and that is long-running', async () => {
    const answer = await obo({ scope: `${ORDERS} offline_access` });
    const refreshed = await idp.refresh(field(answer, 'refresh_token'), `${ORDERS} offline_access`);
    expect(claims(refreshed)).toMatchObject({ aud: 'api://orders', oid: ALICE });
  });

  it('refuses a token for somebody else: 500131, and 50013 when it was for Graph', async () => {
    assertion = await userToken('api://orders/orders.read');
    expect((await obo()).body).toMatchObject({ error: 'invalid_grant', error_codes: [500131] });
    assertion = await userToken('User.Read');
    expect((await obo()).body).toMatchObject({ error: 'invalid_grant', error_codes: [50013] });
  });

  it('refuses a wrong signature (50013), no JWT (50027), an expired token (500133)', async () => {
    const [head = '', body = ''] = assertion.split('.');
    assertion = `${head}.${body}.${'A'.repeat(342)}`;
    expect((await obo()).body).toMatchObject({ error: 'invalid_grant', error_codes: [50013] });
    assertion = 'nonsense';
    expect((await obo()).body).toMatchObject({ error: 'invalid_request', error_codes: [50027] });
    assertion = await userToken('api://token-broker/access_as_user');
    idp.clock.now += 3_600_000;
    expect((await obo()).body).toMatchObject({ error: 'invalid_grant', error_codes: [500133] });
  });

  it('refuses a token signed with a withdrawn key', async () => {
    await idp.admin('POST', '/keys/rotate', { keepOld: false });
    expect(codes(await obo())).toEqual([50013]);
  });

  it('is for user access tokens only: app tokens are 7000114, ID tokens 240002', async () => {
    const app = await idp.token({ grant_type: 'client_credentials', scope: 'api://token-broker/.default' });
    assertion = field(app, 'access_token');
    expect(codes(await obo())).toEqual([7000114]);
    assertion = field(await idp.signIn('openid profile'), 'id_token');
    expect(codes(await obo())).toEqual([240002]);
  });

  it('needs consent beforehand: 65001 consent_required', async () => {
    await idp.admin('POST', `/users/${ALICE}/revoke-consent`, {
      app_id: BROKER,
      resource: 'https://graph.microsoft.test',
    });
    const answer = await obo({ scope: 'https://graph.microsoft.test/Mail.Send' });
    expect(answer.body).toMatchObject({
      error: 'invalid_grant',
      suberror: 'consent_required',
      error_codes: [65001],
    });
  });

  it('second factor required is interaction_required 50076 with claims; a sign-in that had one passes, on v2 tokens too', async () => {
    await idp.admin('POST', `/users/${ALICE}/require-mfa`);
    const answer = await obo();
    expect(answer.body).toMatchObject({ error: 'interaction_required', error_codes: [50076] });
    expect(field(answer, 'claims')).toContain('capolids');
    await idp.admin('POST', `/users/${ALICE}/satisfy-mfa`);
    assertion = await userToken('api://token-broker/access_as_user');
    await idp.admin('POST', `/users/${ALICE}/require-mfa`);
    expect((await obo()).status).toBe(200);
  });

  it('ends with the user: revoked 50173, disabled 50057', async () => {
    await idp.admin('POST', `/users/${ALICE}/disable`);
    expect(codes(await obo())).toEqual([50057]);
    await idp.admin('POST', `/users/${ALICE}/enable`);
    await idp.admin('POST', `/users/${ALICE}/revoke`);
    expect(codes(await obo())).toEqual([50173]);
  });

  it('needs its parameters, a confidential client and the right tenant', async () => {
    expect(codes(await obo({ requested_token_use: '' }))).toEqual([900144]);
    expect(codes(await obo({ requested_token_use: 'other' }))).toEqual([9002313]);
    expect(codes(await obo({ assertion: '' }))).toEqual([900144]);
    expect(codes(await obo({ scope: '' }))).toEqual([900144]);
    expect(codes(await obo({ client_id: PUBLIC, client_secret: '' }))).toEqual([7000218]);
    expect(codes(await obo({ client_id: MULTI, client_secret: 'multi-secret' }))).toEqual([500131]);
  });
});
