import { beforeEach, describe, expect, it } from 'vitest';
import { createKeyRing } from '../../../shared/adapters/jose/key_ring.js';
import { createSealedPlaces } from '../../../shared/adapters/sealed_places.js';
import { createSharedSecret } from '../../../shared/adapters/shared_secret.js';
import { createSigningKeyStore } from '../../../shared/adapters/tables/signing_keys.js';
import type { Table } from '../../../shared/adapters/tables/table.js';
import { refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import { createRewrap } from '../../../shared/flows/rewrap.js';
import { MAIL, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const on = withRefreshing(tables);
const run = { dryRun: false };

let signingKeys: Table;
beforeEach(() => {
  signingKeys = tables.table();
});

function rewrap(places = createSealedPlaces({ connections: on.bench.rows.connections, signingKeys })) {
  return createRewrap({ ...on.bench, places });
}

function ownKeys() {
  const { vault, clock, random } = on.bench;
  const deps = { vault, clock, random };
  const ring = createKeyRing({ ...deps, store: createSigningKeyStore(signingKeys) });
  const secret = createSharedSecret({ ...deps, table: signingKeys })('a purpose');
  return { ring, secret };
}

const keysOf = async () => {
  const { refreshToken = '', previous } = await on.stored();
  const kept = await on.bench.connections.keptTokens(on.alice);
  const sealed = [refreshToken, previous?.refreshToken, ...kept.map(({ token }) => token?.sealed)];
  return new Set(sealed.flatMap((value) => (value === undefined ? [] : [on.bench.vault.keyOf(value)])));
};

describe('sealing everything anew under a new key of the vault', () => {
  it('makes the old one unneeded: credentials, predecessors, tokens, signing keys and the shared secret', async () => {
    const first = await on.ask();
    const { ring, secret } = ownKeys();
    const [signer, derived] = [(await ring.signer()).kid, await secret()];
    const generation = (await on.stored()).generation;
    on.bench.keyVault.rotate();
    expect(await rewrap()(run)).toMatchObject({ moved: 3, already: 0, busy: 0, unreadable: 0, spilled: 0 });
    on.bench.keyVault.disableOld();
    expect([...(await keysOf())]).toEqual([expect.stringMatching(/v2$/)]);
    expect(await on.ask()).toEqual(first);
    expect(await on.credential()).toBe(`rt.${on.alice.id}.2`);
    const connection = await on.stored();
    expect(connection.generation).toBe(generation);
    const before = { ...connection, generation: generation - 1 };
    expect(await on.bench.vault.open(connection.previous?.refreshToken ?? '', refreshTokenSeal(before))).toBe(
      `rt.${on.alice.id}.1`,
    );
    const again = ownKeys();
    expect((await again.ring.signer()).kid).toBe(signer);
    expect(await again.secret()).toEqual(derived);
    on.bench.time.now += 3_600_000;
    expect((await on.ask()).kind).toBe('fresh');
  });

  it('without it, nothing opens once the old key is off, and nothing is lost by that', async () => {
    await on.ask();
    const before = await on.stored();
    on.bench.keyVault.rotate();
    on.bench.keyVault.disableOld();
    await expect(on.ask()).rejects.toThrow();
    expect(await on.stored()).toEqual(before);
  });

  it('a second run finds nothing to do, and a look changes nothing', async () => {
    await on.ask();
    on.bench.keyVault.rotate();
    const before = await on.stored();
    expect(await rewrap()({ dryRun: true })).toMatchObject({ moved: 1 });
    expect(await on.stored()).toEqual(before);
    expect(await on.bench.audited('key.rewrapped')).toEqual([]);
    await rewrap()(run);
    expect(await rewrap()(run)).toMatchObject({ moved: 0, already: 1 });
    expect(await on.bench.audited('key.rewrapped')).toHaveLength(2);
  });

  it('cut off in the middle goes on with what is left', async () => {
    const others = Array.from({ length: 4 }, (_, at) => someone(`user${at}`));
    for (const other of others) await on.connect(other);
    on.bench.keyVault.rotate();
    on.bench.rows.connections.fail('commit', ['down'], 2);
    await expect(rewrap()(run)).rejects.toThrow();
    expect(await rewrap()(run)).toMatchObject({ moved: 3, already: 2 });
    on.bench.keyVault.disableOld();
    for (const other of [on.alice, ...others]) {
      expect((await on.ask({ subject: other })).kind).toBe('fresh');
    }
  });

  it('two at once are as good as one', async () => {
    const others = Array.from({ length: 4 }, (_, at) => someone(`user${at}`));
    for (const other of others) await on.connect(other);
    on.bench.keyVault.rotate();
    const reports = await Promise.all([rewrap()(run), rewrap()(run)]);
    for (const { moved, already, busy, unreadable } of reports) {
      expect(moved + already + busy).toBe(5);
      expect(unreadable).toBe(0);
    }
    expect(await rewrap()(run)).toMatchObject({ moved: 0, already: 5, busy: 0 });
  });

  it('leaves a connection alone that is being refreshed, and finds it under the new key afterwards', async () => {
    let answer = () => {};
    on.bench.provider.answers(async (call) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return on.bench.provider.good(call);
    });
    const refreshing = on.ask({ target: MAIL });
    await on.until(() => on.bench.provider.calls.length > 0);
    on.bench.keyVault.rotate();
    expect(await rewrap()(run)).toMatchObject({ moved: 0, busy: 1 });
    answer();
    expect((await refreshing).kind).toBe('fresh');
    await rewrap()(run);
    on.bench.keyVault.disableOld();
    expect((await on.ask()).kind).toBe('fresh');
    expect(await on.credential()).toBe(`rt.${on.alice.id}.2`);
  });

  it('knows its own write when the SDK tries it again and meets it', async () => {
    on.bench.keyVault.rotate();
    on.bench.rows.connections.fail('commit', ['applied_but_conflict']);
    expect(await rewrap()(run)).toMatchObject({ moved: 1, busy: 0 });
  });

  it('leaves what does not open as it is, and goes on with the others', async () => {
    const bob = someone('bob');
    await on.connect(bob);
    const found = await on.bench.connections.find(bob);
    if (!found) throw new Error('there is no connection');
    const { refreshToken = '' } = await on.stored();
    await on.bench.connections.replace({ ...found.value, refreshToken }, found.etag);
    on.bench.keyVault.rotate();
    expect(await rewrap()(run)).toMatchObject({ moved: 1, unreadable: 1 });
    expect((await on.bench.connections.find(bob))?.value.refreshToken).toBe(refreshToken);
  });
});
