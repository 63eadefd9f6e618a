import { describe, expect, it } from 'vitest';
import { createCircuitStore, createHeartbeat } from '../../../shared/adapters/tables/circuits.js';
import {
  createSigningKeyStore,
  type StoredSigningKey,
} from '../../../shared/adapters/tables/signing_keys.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import { NOW } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();

describe('the circuit store', () => {
  it('is closed until opened, and closed again by closing', async () => {
    const circuits = createCircuitStore(tables.table());
    expect(await circuits.openUntil('aad')).toBeUndefined();
    await circuits.close('aad');
    await circuits.open('aad', NOW);
    expect(await circuits.openUntil('aad')).toBe(NOW);
    expect(await circuits.openUntil('google')).toBeUndefined();
    await circuits.close('aad');
    expect(await circuits.openUntil('aad')).toBeUndefined();
  });

  it('keeps the latest of many concurrent openings', async () => {
    const circuits = createCircuitStore(tables.table());
    for (let round = 0; round < 5; round++) {
      const times = [3, 1, 2].map((step) => NOW + round * 10 + step);
      await Promise.all(times.map((until) => circuits.open('aad', until)));
      expect(await circuits.openUntil('aad')).toBe(NOW + round * 10 + 3);
    }
    await circuits.open('aad', NOW);
    expect(await circuits.openUntil('aad')).toBe(NOW + 43);
  });

  it('a row that cannot be read is an error: an unknown circuit is not a closed one', async () => {
    const name = tables.name();
    const circuits = createCircuitStore(tables.table(name));
    await circuits.open('aad', NOW);
    for await (const { partitionKey = '', rowKey = '' } of tables.raw(name).listEntities()) {
      await tables.raw(name).updateEntity({ partitionKey, rowKey, schema: 2 }, 'Merge');
    }
    await expect(circuits.openUntil('aad')).rejects.toThrow(Unreadable);
  });
});

describe('the heartbeat', () => {
  it('remembers the latest beat by name, whatever order they arrive in', async () => {
    const heartbeat = createHeartbeat(tables.table());
    expect(await heartbeat.last('upkeep')).toBeUndefined();
    await heartbeat.beat('upkeep', NOW);
    await heartbeat.beat('upkeep', NOW - 1);
    expect(await heartbeat.last('upkeep')).toBe(NOW);
    expect(await heartbeat.last('other')).toBeUndefined();
  });
});

describe('the signing key store', () => {
  const key = (kid: string): StoredSigningKey => ({ kid, sealed: 's', publicJwk: '{}', createdAt: NOW });

  it('of many instances writing one slot exactly one wins, and all read the same', async () => {
    const store = createSigningKeyStore(tables.table());
    const won = await Promise.all(Array.from({ length: 10 }, (_, index) => store.add(0, key(`k${index}`))));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.list()).toEqual([key(`k${won.indexOf(true)}`)]);
  });

  it('lists the slots in order', async () => {
    const store = createSigningKeyStore(tables.table());
    for (const slot of [10, 2, 1]) await store.add(slot, key(`k${slot}`));
    expect((await store.list()).map(({ kid }) => kid)).toEqual(['k1', 'k2', 'k10']);
  });
});
