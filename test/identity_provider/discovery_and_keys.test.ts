import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKER, TID } from './support/directory.js';
import { field, startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
beforeAll(async () => {
  idp = await startTestProvider({ now: Date.now });
});
afterAll(() => idp.stop());

type KeyList = { keys: { kid: string; issuer: string; d?: string; kty: string }[] };
async function keyList(tenant = TID): Promise<KeyList> {
  const response = await fetch(`${idp.url}/${tenant}/discovery/v2.0/keys`);
  const body: unknown = await response.json();
  if (!isKeyList(body)) throw new Error('no keys');
  return body;
}
function isKeyList(body: unknown): body is KeyList {
  return typeof body === 'object' && body !== null && 'keys' in body && Array.isArray(body.keys);
}

describe('discovery', () => {
  it('names the tenant’s issuer and its endpoints', async () => {
    const { body } = await idp.get(`/${TID}/v2.0/.well-known/openid-configuration`);
    const base = `${idp.url}/${TID}`;
    expect(body).toMatchObject({
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      subject_types_supported: ['pairwise'],
    });
  });

  it('a domain leads to the same document, version 1 differs in the issuer', async () => {
    const byDomain = await idp.get('/contoso.test/v2.0/.well-known/openid-configuration');
    expect(byDomain.body.issuer).toBe(`${idp.url}/${TID}/v2.0`);
    const old = await idp.get(`/${TID}/.well-known/openid-configuration`);
    expect(old.body.issuer).toBe(`${idp.url}/${TID}/`);
  });

  it.each(['common', 'organizations'])('%s has the templated issuer', async (segment) => {
    const { body } = await idp.get(`/${segment}/v2.0/.well-known/openid-configuration`);
    expect(body.issuer).toBe(`${idp.url}/{tenantid}/v2.0`);
    expect(body.token_endpoint).toBe(`${idp.url}/${segment}/oauth2/v2.0/token`);
    expect((await keyList(segment)).keys[0]?.issuer).toBe(`${idp.url}/{tenantid}/v2.0`);
  });

  it('an unknown tenant is 90002', async () => {
    const answer = await idp.get('/nowhere/v2.0/.well-known/openid-configuration');
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request', error_codes: [90002] } });
  });
});

describe('signing keys', () => {
  it('are public halves only, each with the issuer it signs for', async () => {
    const { keys } = await keyList();
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: 'RSA', use: 'sig', issuer: `${idp.url}/${TID}/v2.0` });
    expect(keys[0]).not.toHaveProperty('d');
  });

  it('a standard client follows a rollover, and old tokens verify while the old key is kept', async () => {
    const jwks = createRemoteJWKSet(new URL(`${idp.url}/${TID}/discovery/v2.0/keys`), {
      cooldownDuration: 0,
    });
    const options = { issuer: `${idp.url}/${TID}/v2.0`, audience: BROKER };
    const before = field(await idp.signIn('openid'), 'id_token');
    const first = await jwtVerify(before, jwks, options);
    await idp.admin('POST', '/keys/rotate', { keepOld: true });
    const after = field(await idp.signIn('openid'), 'id_token');
    const second = await jwtVerify(after, jwks, options);
    expect(second.protectedHeader.kid).not.toBe(first.protectedHeader.kid);
    const both = await keyList();
    expect(both.keys).toHaveLength(2);
    await jwtVerify(before, createLocalJWKSet(both), options);
  });

  it('without keepOld the old keys are gone at once', async () => {
    const before = field(await idp.signIn('openid'), 'id_token');
    await idp.admin('POST', '/keys/rotate', { keepOld: false });
    const now = await keyList();
    expect(now.keys).toHaveLength(1);
    await expect(jwtVerify(before, createLocalJWKSet(now))).rejects.toThrow();
  });

  it('two rotations at once both count', async () => {
    const rotations = [1, 2].map(() => idp.admin('POST', '/keys/rotate', { keepOld: true }));
    const kids = (await Promise.all(rotations)).map((answer) => field(answer, 'kid'));
    const { keys } = await keyList();
    expect(keys.map((key) => key.kid)).toEqual(expect.arrayContaining(kids));
  });
});
