import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB, GRAPH_URI } from './support/directory.js';
import { type Answer, codes, field, startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());

const call = (path: string, token: string): Promise<Answer> =>
  idp.get(`/graph/v1.0${path}`, { authorization: `Bearer ${token}` });
const revoke = (who: string, token: string): Promise<Answer> =>
  idp.post(`/graph/v1.0/users/${who}/revokeSignInSessions`, {}, { authorization: `Bearer ${token}` });

describe('the demo Graph', () => {
  it('answers a token with the right scope, and only with that scope', async () => {
    await idp.admin('POST', '/narrowing', { on: true });
    const answer = await idp.signIn('openid offline_access User.Read Mail.Read');
    const token = async (scope: string): Promise<string> =>
      field(await idp.refresh(field(answer, 'refresh_token'), scope), 'access_token');
    const [profile, mail] = [await token('User.Read'), await token('Mail.Read')];
    expect((await call('/me', profile)).body).toMatchObject({
      id: ALICE,
      userPrincipalName: 'alice@contoso.test',
    });
    expect((await call('/me/messages', mail)).body.value).toHaveLength(3);
    const refused = await call('/me/messages', profile);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope');
    expect((await call('/me', mail)).status).toBe(403);
    await idp.admin('POST', '/narrowing', { on: false });
  });

  it('refuses a missing, foreign, altered or expired token with 401 and a challenge', async () => {
    const other = field(await idp.signIn('api://orders/orders.read'), 'access_token');
    const good = field(await idp.signIn('User.Read'), 'access_token');
    for (const token of ['', 'nonsense', other, `${good.slice(0, -4)}AAAA`]) {
      const answer = await call('/me', token);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm=""/);
      expect(answer.body.error).toMatchObject({ code: 'InvalidAuthenticationToken' });
    }
    idp.clock.now += 3_601_000;
    expect((await call('/me', good)).status).toBe(401);
  });

  it('/me is for users: an app token is 400', async () => {
    const app = await idp.token({ grant_type: 'client_credentials', scope: `${GRAPH_URI}/.default` });
    expect((await call('/me', field(app, 'access_token'))).status).toBe(400);
  });

  it('revokeSignInSessions ends the user’s refresh tokens: by the user, or an app with the role', async () => {
    const alice = await idp.signIn('offline_access User.Read');
    const bob = await idp.signIn('offline_access User.Read', { login_hint: 'bob@contoso.test' });
    expect((await revoke(BOB, field(alice, 'access_token'))).status).toBe(403);
    expect((await revoke(ALICE, field(alice, 'access_token'))).body.value).toBe(true);
    expect(codes(await idp.refresh(field(alice, 'refresh_token')))).toEqual([50173]);
    const app = field(
      await idp.token({ grant_type: 'client_credentials', scope: `${GRAPH_URI}/.default` }),
      'access_token',
    );
    expect((await revoke('bob@contoso.test', app)).status).toBe(200);
    expect(codes(await idp.refresh(field(bob, 'refresh_token')))).toEqual([50173]);
    expect((await revoke('nobody@contoso.test', app)).status).toBe(404);
    expect((await revoke(BOB, 'nonsense')).status).toBe(401);
  });
});
