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

const refused = (until: number) => ({ until, class: 'broker_misconfigured' as const, now: NOW });
const throttled = (until: number) => ({ until, class: 'transient' as const, now: NOW + 1 });

describe('the circuit store', () => {
  it('is closed until opened, and closed again by closing', async () => {
    const circuits = createCircuitStore(tables.table());
    expect(await circuits.openUntil('aad')).toBeUndefined();
    await circuits.close('aad');
    await circuits.open('aad', refused(NOW));
    expect(await circuits.openUntil('aad')).toBe(NOW);
    expect(await circuits.openUntil('google')).toBeUndefined();
    await circuits.close('aad');
    expect(await circuits.openUntil('aad')).toBeUndefined();
  });

  it('keeps the latest of many concurrent openings', async () => {
    const circuits = createCircuitStore(tables.table());
    for (let round = 0; round < 5; round++) {
      const times = [3, 1, 2].map((step) => NOW + round * 10 + step);
      await Promise.all(times.map((until) => circuits.open('aad', refused(until))));
      expect(await circuits.openUntil('aad')).toBe(NOW + round * 10 + 3);
    }
    await circuits.open('aad', refused(NOW));
    expect(await circuits.openUntil('aad')).toBe(NOW + 43);
  });

  it('of many who open it at once one is told that it was them', async () => {
    const circuits = createCircuitStore(tables.table());
    const opened = await Promise.all(Array.from({ length: 20 }, () => circuits.open('aad', refused(NOW))));
    expect(opened.filter(Boolean)).toHaveLength(1);
    expect(await circuits.open('aad', refused(NOW + 1))).toBe(false);
    await circuits.close('aad');
    expect(await circuits.open('aad', refused(NOW))).toBe(true);
  });

  it('a refused registration found while others only had to wait is news; the other way round it is not', async () => {
    const circuits = createCircuitStore(tables.table());
    expect(await circuits.open('aad', throttled(NOW + 9))).toBe(true);
    expect(await circuits.open('aad', refused(NOW + 5))).toBe(true);
    expect(await circuits.open('aad', throttled(NOW + 10))).toBe(false);
    expect(await circuits.openUntil('aad')).toBe(NOW + 10);
    expect(await circuits.close('aad')).toEqual({ class: 'broker_misconfigured', openedAt: NOW, count: 3 });
    expect(await circuits.close('aad')).toBeUndefined();
  });

  it('once its time has passed one of many may ask, and everybody else waits for what comes of it', async () => {
    const circuits = createCircuitStore(tables.table());
    await circuits.open('aad', refused(NOW));
    const time = { until: NOW + 30, now: NOW };
    expect(await circuits.takeProbe('aad', { ...time, now: NOW - 1 })).toBe(false);
    const taken = await Promise.all(Array.from({ length: 20 }, () => circuits.takeProbe('aad', time)));
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await circuits.openUntil('aad')).toBe(NOW + 30);
    await circuits.open('aad', { ...throttled(NOW + 5), fromProbe: true });
    expect(await circuits.openUntil('aad')).toBe(NOW + 5);
    await circuits.close('aad');
    expect(await circuits.takeProbe('aad', time)).toBe(true);
  });

  it('a row that cannot be read is an error: an unknown circuit is not a closed one', async () => {
    const name = tables.name();
    const circuits = createCircuitStore(tables.table(name));
    await circuits.open('aad', refused(NOW));
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
