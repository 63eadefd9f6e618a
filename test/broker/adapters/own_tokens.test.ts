import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { createKeyRing } from '../../../shared/adapters/jose/key_ring.js';
import { createTokens } from '../../../shared/adapters/jose/tokens.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createSigningKeyStore } from '../../../shared/adapters/tables/signing_keys.js';
import { createVault } from '../../../shared/adapters/vault/envelope.js';
import { createKeyVault } from '../../../shared/adapters/vault/key_vault.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import { fakeKeyVault } from '../support/fake_key_vault.js';
import { NOW, ORDERS, someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const BROKER = 'https://broker.test';
const KEY = 'https://vault.test/keys/broker';

function instance(name: string, vaultOfKeys = fakeKeyVault(KEY)) {
  const vault = createVault(createKeyVault(KEY, vaultOfKeys.openKey));
  const store = createSigningKeyStore(tables.table(name));
  const keyRing = createKeyRing({ store, vault, clock: () => NOW, random: systemRandom });
  return createTokens({
    issuer: BROKER,
    providers: new Map(),
    keyRing,
    clock: () => NOW,
    random: systemRandom,
  });
}

const request = () => ({
  subject: someone('alice'),
  clientId: 'nightly-report',
  resource: ORDERS,
  scope: ['orders.read', 'orders.write'],
  lifetimeSeconds: 600,
  act: { sub: 'nightly-report' },
});

describe('a minted token (RFC 9068)', () => {
  it('is typed at+jwt, for one audience, with exactly the claims that are known', async () => {
    const tokens = instance(tables.name());
    const asked = request();
    const minted = await tokens.mint(asked);
    const keys = await tokens.publicKeys();
    const { payload, protectedHeader } = await jwtVerify(
      minted.token,
      createLocalJWKSet({ keys: keys.keys.map((key) => ({ kty: 'EC', ...key })) }),
      { issuer: BROKER, audience: ORDERS, typ: 'at+jwt', currentDate: new Date(NOW) },
    );
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: keys.keys[0]?.kid });
    expect(payload).toEqual({
      iss: BROKER,
      aud: ORDERS,
      sub: `aad:${asked.subject.tenant}:${asked.subject.id}`,
      tid: asked.subject.tenant,
      oid: asked.subject.id,
      client_id: 'nightly-report',
      scope: 'orders.read orders.write',
      act: { sub: 'nightly-report' },
      jti: minted.id,
      iat: NOW / 1000,
      exp: NOW / 1000 + 600,
    });
    expect(minted.expiresIn).toBe(600);
  });

  it('has an id of its own each time', async () => {
    const tokens = instance(tables.name());
    const minted = await Promise.all(Array.from({ length: 20 }, () => tokens.mint(request())));
    expect(new Set(minted.map(({ id }) => id)).size).toBe(20);
  });
});

describe('the signing keys', () => {
  it('show only public members', async () => {
    const { keys } = await instance(tables.name()).publicKeys();
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('are one and the same for many instances that start at once', async () => {
    const name = tables.name();
    const vaultOfKeys = fakeKeyVault(KEY);
    const instances = Array.from({ length: 8 }, () => instance(name, vaultOfKeys));
    const minted = await Promise.all(instances.map((tokens) => tokens.mint(request())));
    const kids = new Set(minted.map(({ token }) => decodeProtectedHeader(token).kid));
    expect(kids.size).toBe(1);
    const published = await Promise.all(instances.map((tokens) => tokens.publicKeys()));
    expect(new Set(published.map(({ keys }) => JSON.stringify(keys))).size).toBe(1);
  });

  it('survive a restart', async () => {
    const name = tables.name();
    const vaultOfKeys = fakeKeyVault(KEY);
    const before = await instance(name, vaultOfKeys).publicKeys();
    expect(await instance(name, vaultOfKeys).publicKeys()).toEqual(before);
  });

  it('are sealed at rest', async () => {
    const name = tables.name();
    await instance(name).publicKeys();
    for await (const row of tables.raw(name).listEntities<Record<string, unknown>>()) {
      expect(String(row.sealed)).toMatch(/^s1\./);
      expect(JSON.stringify(row)).not.toContain('"d"');
    }
  });

  it('moved to another slot of another key do not open', async () => {
    const [one, two] = [tables.name(), tables.name()];
    const vaultOfKeys = fakeKeyVault(KEY);
    await instance(one, vaultOfKeys).publicKeys();
    await instance(two, vaultOfKeys).publicKeys();
    const sealed: unknown[] = [];
    for await (const row of tables.raw(one).listEntities<Record<string, unknown>>()) sealed.push(row.sealed);
    for await (const { partitionKey = '', rowKey = '' } of tables.raw(two).listEntities()) {
      await tables.raw(two).updateEntity({ partitionKey, rowKey, sealed: sealed[0] }, 'Merge');
    }
    await expect(instance(two, vaultOfKeys).mint(request())).rejects.toThrow(Unreadable);
  });
});
