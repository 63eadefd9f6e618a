import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claims, codes, field, startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
let token: string;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());
beforeEach(async () => {
  await idp.admin('POST', '/reset', {});
  token = field(await idp.signIn('openid profile offline_access User.Read'), 'refresh_token');
});

const CONTEXT = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const CAPABLE = '{"access_token":{"nbf":{"essential":true,"value":"1"},"xms_cc":{"values":["cp1"]}}}';
const user = (action: string) => idp.admin('POST', `/users/alice@contoso.test/${action}`, {});

describe('a claims request', () => {
  it('that names an authentication context is raised again until the sign-in had a second factor', async () => {
    const refused = await idp.refresh(token, 'User.Read', { claims: CONTEXT });
    expect(codes(refused)).toEqual([50076]);
    expect(field(refused, 'claims')).toBe(CONTEXT);
    await user('satisfy-mfa');
    const stronger = field(await idp.signIn('openid profile offline_access User.Read'), 'refresh_token');
    const answer = await idp.refresh(stronger, 'User.Read', { claims: CONTEXT });
    expect(claims(answer).acrs).toEqual(['c1']);
    expect('acrs' in claims(await idp.refresh(stronger, 'User.Read'))).toBe(false);
  });

  it('that names a capability brings it into the token', async () => {
    const answer = await idp.refresh(token, 'User.Read', { claims: CAPABLE });
    expect(claims(answer).xms_cc).toEqual(['cp1']);
  });

  it('that is no JSON object is a malformed request', async () => {
    const answer = await idp.refresh(token, 'User.Read', { claims: '[1' });
    expect(answer.body).toMatchObject({ error: 'invalid_request', error_codes: [9002313] });
  });

  it('at the authorization endpoint asks for the second factor', async () => {
    const hinted = { login_hint: 'alice@contoso.test' };
    expect((await idp.authorize({ ...hinted, claims: CONTEXT })).text).toContain('Approve sign in');
    expect((await idp.authorize({ ...hinted, claims: CAPABLE })).status).not.toBe(200);
  });
});
