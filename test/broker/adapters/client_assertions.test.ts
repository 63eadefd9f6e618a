import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createClientSecrets } from '../../../shared/adapters/client_secrets.js';
import { createClientAssertions } from '../../../shared/adapters/jose/client_assertions.js';
import { withVerifiedAssertions } from '../../../shared/adapters/jose/verified_tokens.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createReplayStore } from '../../../shared/adapters/tables/token_ids.js';
import { createAuthenticateClient } from '../../../shared/flows/authenticate_client.js';
import { readPolicy } from '../../../shared/policy.js';
import type { ClientAssertions } from '../../../shared/ports.js';
import { refusalOf } from '../support/refusals.js';
import { NOW } from '../support/samples.js';
import { stubTokens } from '../support/stub_tokens.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const ISSUER = 'https://broker.test';
const ONCE = 'seen-once';
const REUSED = 'shown-again';
const KEYS = generateKeyPair('ES256');

async function bench() {
  const { publicKey, privateKey } = await KEYS;
  const publicKeys = [{ ...(await exportJWK(publicKey)), kid: 'k' }];
  const client = (auth: object) => ({ auth: { publicKeys, ...auth }, resources: {} });
  const clients = { [ONCE]: client({}), [REUSED]: client({ assertionReuse: true }) };
  const policy = readPolicy(JSON.stringify({ version: 1, resources: {}, clients }), {});
  let now = NOW;
  let checks = 0;
  const clock = () => now;
  const http = () => Promise.reject(new Error('no request is to be made'));
  const checking = createClientAssertions({ issuer: ISSUER, clients: policy.clients, http, clock });
  const counting: ClientAssertions = {
    clientOf: checking.clientOf,
    verify(clientId, token) {
      checks++;
      return checking.verify(clientId, token);
    },
  };
  const authenticate = createAuthenticateClient({
    policy,
    tokens: stubTokens(),
    assertions: withVerifiedAssertions(counting, clock),
    replay: createReplayStore(tables.table(), systemRandom),
    secrets: createClientSecrets({ clients: policy.clients, random: systemRandom }),
  });
  return {
    checks: () => checks,
    wait: (ms: number) => {
      now += ms;
    },
    send: async (token: string, clientId?: string) =>
      (await authenticate({ method: 'client_assertion', clientId, token })).clientId,
    assertion: (clientId: string, more: JWTPayload = {}) =>
      new SignJWT({ jti: randomUUID(), exp: NOW / 1000 + 300, ...more })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(ISSUER)
        .sign(privateKey),
  };
}

const reasonOf = async (work: () => Promise<unknown>) => (await refusalOf(work)).reason;

describe('RFC 7523 §3 an assertion shown a second time', () => {
  it('is refused unless policy says otherwise, also when shown many times at once', async () => {
    const { send, assertion } = await bench();
    const token = await assertion(ONCE);
    const shown = await Promise.allSettled(Array.from({ length: 10 }, () => send(token)));
    expect(shown.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await reasonOf(() => send(token))).toBe('the assertion was used before');
  });

  it('is accepted while it lives where policy lets the client reuse it, and its signature is checked once', async () => {
    const { send, assertion, checks, wait } = await bench();
    const token = await assertion(REUSED);
    for (let count = 0; count < 5; count++) expect(await send(token)).toBe(REUSED);
    expect(checks()).toBe(1);
    wait(299_000);
    expect(await send(token)).toBe(REUSED);
    wait(60_000);
    expect(await reasonOf(() => send(token))).toContain('ERR_JWT_EXPIRED');
  });

  it('is checked anew after five minutes: a key may have been withdrawn', async () => {
    const { send, assertion, checks, wait } = await bench();
    const token = await assertion(REUSED, { exp: NOW / 1000 + 600 });
    await send(token);
    wait(300_001);
    await send(token);
    expect(checks()).toBe(2);
  });

  it('stays bound to its client', async () => {
    const { send, assertion } = await bench();
    const token = await assertion(REUSED);
    await send(token);
    expect(await reasonOf(() => send(token, ONCE))).toBe('client_id is not the issuer of the assertion');
  });

  it('is never believed for having been refused before', async () => {
    const { send, assertion, checks } = await bench();
    const [head, claims] = (await assertion(REUSED)).split('.');
    const [, , signature] = (await assertion(REUSED)).split('.');
    const forged = [head, claims, signature].join('.');
    for (let count = 0; count < 3; count++) {
      expect(await reasonOf(() => send(forged))).toContain('ERR_JWS_SIGNATURE_VERIFICATION_FAILED');
    }
    expect(checks()).toBe(3);
  });
});

it('a policy that lets a client reuse assertions it has no keys for is refused', () => {
  const clients = { c: { auth: { secretSetting: 'S', assertionReuse: true }, resources: {} } };
  const document = JSON.stringify({ version: 1, resources: {}, clients });
  expect(() => readPolicy(document, { S: 'a-secret-of-some-length-for-this-test' })).toThrow(
    expect.objectContaining({
      problems: ['policy/clients/c/auth/assertionReuse: this client has no keys to sign assertions with'],
    }),
  );
});
