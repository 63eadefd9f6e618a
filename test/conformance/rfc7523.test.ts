import { randomUUID } from 'node:crypto';
import { importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { allow, refresh, stack, token } from './support.js';

const CLIENT = 'key-service';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const jwk = JSON.parse(inject('clientKey'));

let grant: string;
beforeAll(async () => {
  grant = await allow('alice@contoso.test', CLIENT, 'orders.read');
});

const seconds = () => Math.floor(Date.now() / 1000);
const good = (): JWTPayload => ({
  iss: CLIENT,
  sub: CLIENT,
  aud: stack.gateway,
  jti: randomUUID(),
  iat: seconds(),
  exp: seconds() + 60,
});

async function assertion(claims: Record<string, unknown> = {}, kid = 'key-1'): Promise<string> {
  return new SignJWT({ ...good(), ...claims } as JWTPayload)
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(await importJWK(jwk, 'ES256'));
}

function send(client_assertion: string, more: Record<string, string> = {}) {
  const parameters = { ...refresh(grant), client_assertion, client_assertion_type: JWT_BEARER, ...more };
  return token(parameters, null);
}

describe('RFC 7523 §3 private_key_jwt', () => {
  it('authenticates, with or without client_id, for the issuer or for the endpoint', async () => {
    expect((await send(await assertion())).status).toBe(200);
    expect((await send(await assertion(), { client_id: CLIENT })).status).toBe(200);
    expect((await send(await assertion({ aud: `${stack.gateway}/token` }))).status).toBe(200);
  });

  it.each<[string, Record<string, unknown>, string?]>([
    ['§3 (1) no iss', { iss: undefined }],
    ['§3 (1) an iss that is no client', { iss: 'nobody', sub: 'nobody' }],
    ['§3 (1) another client as iss', { iss: 'nightly-report', sub: 'nightly-report' }],
    ['§3 (2) no sub', { sub: undefined }],
    ['§3 (2) sub is not the client', { sub: 'nightly-report' }],
    ['§3 (3) another audience', { aud: 'https://elsewhere.test' }],
    ['§3 (3) a second audience', { aud: [stack.gateway, 'https://elsewhere.test'] }],
    ['§3 (4) no exp', { exp: undefined }],
    ['§3 (4) expired', { exp: seconds() - 120 }],
    ['§3 (4) unreasonably far in the future', { exp: seconds() + 86_400 }],
    ['§3 (5) not valid yet', { nbf: seconds() + 300 }],
    ['§3 (7) no jti', { jti: undefined }],
    ['§3 (7) an empty jti', { jti: '' }],
    ['§3 (9) signed with a key that is not the client’s', {}, 'key-2'],
  ])('%s: 401 invalid_client', async (_, claims, kid) => {
    const { status, body } = await send(await assertion(claims, kid));
    expect([status, body.error, body.error_description]).toEqual([
      401,
      'invalid_client',
      'client authentication failed',
    ]);
  });

  it('unsigned, or signed with the public key as a shared secret: 401', async () => {
    const unsigned = new UnsecuredJWT(good()).encode();
    const { d: _, ...publicKey } = jwk;
    const confused = await new SignJWT(good())
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
      .sign(Buffer.from(JSON.stringify(publicKey)));
    for (const forged of [unsigned, confused]) expect((await send(forged)).status).toBe(401);
  });

  it('a client_id that is not the issuer: 401', async () => {
    expect((await send(await assertion(), { client_id: 'nightly-report' })).status).toBe(401);
  });

  it('§3 (7) an assertion is used once: of twenty at the same time one passes', async () => {
    const once = await assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(once)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    expect((await send(once)).body.error).toBe('invalid_client');
  });

  it('RFC 7521 §4.2 type and assertion belong together, and no other type is taken', async () => {
    const only = await token({ ...refresh(grant), client_assertion: await assertion() }, null);
    const type = await token({ ...refresh(grant), client_assertion_type: JWT_BEARER }, null);
    const other = await send(await assertion(), { client_assertion_type: 'urn:x' });
    for (const { status, body } of [only, type, other])
      expect([status, body.error]).toEqual([400, 'invalid_request']);
  });
});
