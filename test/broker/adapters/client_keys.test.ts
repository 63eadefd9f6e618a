import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../../shared/adapters/http_client.js';
import { createClientAssertions } from '../../../shared/adapters/jose/client_assertions.js';
import { readPolicy } from '../../../shared/policy.js';
import { refusalOf } from '../support/refusals.js';
import { NOW } from '../support/samples.js';

const ISSUER = 'https://broker.test';
const COOLDOWN = 31_000;
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  pair = await generateKeyPair('ES256');
});

/** A client that publishes its keys, where the test can break what it publishes. */
async function setUp() {
  const time = { now: NOW };
  const source = { asked: 0, status: 200, kids: ['k1'] };
  const jwk = await exportJWK(pair.publicKey);
  const http: HttpClient = async () => {
    source.asked++;
    const body = JSON.stringify({ keys: source.kids.map((kid) => ({ ...jwk, kid })) });
    return { status: source.status, headers: { location: 'http://169.254.169.254/' }, body };
  };
  const clients = { service: { auth: { jwksUri: 'https://service.test/keys' }, resources: {} } };
  const policy = readPolicy(JSON.stringify({ resources: {}, clients }), {});
  const assertions = createClientAssertions({
    issuer: ISSUER,
    clients: policy.clients,
    http,
    clock: () => time.now,
  });
  const verify = async (kid: string) => {
    const token = await new SignJWT({ jti: randomUUID(), exp: time.now / 1000 + 60 })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer('service')
      .setSubject('service')
      .setAudience(ISSUER)
      .sign(pair.privateKey);
    return assertions.verify('service', token);
  };
  return { time, source, verify };
}

describe('the keys a client publishes', () => {
  it('are asked for once, and again for a kid that is new', async () => {
    const { time, source, verify } = await setUp();
    await verify('k1');
    await verify('k1');
    expect(source.asked).toBe(1);
    source.kids = ['k1', 'k2'];
    time.now += COOLDOWN;
    await verify('k2');
    expect(source.asked).toBe(2);
  });

  it('a storm of a thousand unknown kids is one look per cooldown, and refused', async () => {
    const { time, source, verify } = await setUp();
    await verify('k1');
    time.now += COOLDOWN;
    const storm = Array.from({ length: 1000 }, (_, at) => refusalOf(() => verify(`forged-${at}`)));
    for (const refusal of await Promise.all(storm)) expect(refusal.code).toBe('invalid_client');
    expect(source.asked).toBe(2);
    await verify('k1');
  });

  it('go on serving known kids while their address is down or leads elsewhere, for a day', async () => {
    const { time, source, verify } = await setUp();
    await verify('k1');
    for (const status of [500, 302]) {
      source.status = status;
      time.now += 3_600_000;
      const before = source.asked;
      for (let count = 0; count < 10; count++) await verify('k1');
      expect(source.asked - before).toBe(1);
    }
    time.now += 86_400_000;
    expect((await refusalOf(() => verify('k1'))).code).toBe('temporarily_unavailable');
  });
});
