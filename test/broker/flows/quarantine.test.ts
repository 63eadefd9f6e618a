import { beforeEach, describe, expect, it } from 'vitest';
import { refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { withTables } from '../support/tables.js';
import { upkeepUsers } from '../support/upkeep_users.js';

/** Real ones, where their own limits are what is tested. */
const real = withTables();
const tables = memoryTables(() => bench.time.now);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let bench: Bench;

beforeEach(() => {
  bench = createBench(tables);
});

const { users, asked, tokenOf } = upkeepUsers(() => bench);
const entries = async () => (await bench.quarantine.list({ limit: 100 })).items;

async function spoil(subject: Subject): Promise<void> {
  const found = await bench.connections.find(subject);
  if (!found) throw new Error('there is no connection');
  await bench.connections.replace({ ...found.value, refreshToken: 'not sealed at all' }, found.etag);
}

async function mend(subject: Subject): Promise<void> {
  const found = await bench.connections.find(subject);
  if (!found) throw new Error('there is no connection');
  const refreshToken = await bench.vault.seal(`rt.${subject.id}.0`, refreshTokenSeal(found.value));
  await bench.connections.replace({ ...found.value, refreshToken }, found.etag);
}

describe('a connection that cannot be read', () => {
  it('is set aside, tried ever more seldom, and stops nobody', async () => {
    const [poison, ...others] = await users(3);
    if (!poison) throw new Error('no user');
    await spoil(poison);
    bench.time.now += HOUR;
    await bench.tick();
    for (const subject of others) expect(asked(subject)).toBe(1);
    expect(await entries()).toMatchObject([
      { what: 'connection', subject: poison, times: 1, nextTryAt: bench.time.now + 5 * MINUTE },
    ]);
    expect(await bench.tick()).toBe(0);
    for (const wait of [5, 15, 60]) {
      bench.time.now += wait * MINUTE - 1;
      await bench.tick();
      bench.time.now += 1;
      const before = (await entries())[0]?.times ?? 0;
      await bench.tick();
      expect((await entries())[0]?.times).toBe(before + 1);
    }
    expect(asked(poison)).toBe(0);
  });

  it('is let go by itself once it can be read again', async () => {
    const [poison] = await users(1);
    if (!poison) throw new Error('no user');
    await spoil(poison);
    bench.time.now += HOUR;
    await bench.tick();
    await mend(poison);
    bench.time.now += 5 * MINUTE;
    await bench.tick();
    expect(asked(poison)).toBe(1);
    expect(await entries()).toEqual([]);
    bench.time.now += HOUR;
    await bench.tick();
    expect(asked(poison)).toBe(2);
  });

  it('is not let go while nobody could try: the one entry that brings it back stays', async () => {
    const [poison, other] = await users(2);
    if (!poison || !other) throw new Error('no users');
    await spoil(poison);
    bench.time.now += HOUR;
    await bench.tick();
    await mend(poison);
    bench.time.now += 5 * MINUTE;
    const { now } = bench.time;
    await bench.circuits.open('aad', { until: now + MINUTE, class: 'transient', now });
    await bench.tick();
    expect(await entries()).toHaveLength(1);
    bench.time.now += 6 * MINUTE;
    await bench.tick();
    expect(asked(poison)).toBe(1);
    expect(await entries()).toEqual([]);
  });

  it('an outage of storage sets nobody aside', async () => {
    const all = await users(3);
    bench.time.now += HOUR;
    const batches = await bench.findDue();
    bench.rows.connections.cut();
    for (const batch of batches) await bench.workDue(batch);
    bench.rows.connections.mend();
    expect(await entries()).toEqual([]);
    bench.time.now += 5 * MINUTE;
    await bench.tick();
    for (const subject of all) expect(asked(subject)).toBe(1);
  });

  it('nor does a row that grew too large for storage stop the others', async () => {
    bench = createBench(real);
    const [large, ...others] = await users(3);
    if (!large) throw new Error('no user');
    bench.provider.answers((call) =>
      call.refreshToken.startsWith(`rt.${large.id}.`)
        ? bench.provider.good(call, { refreshToken: 'x'.repeat(1_500_000) })
        : bench.provider.good(call),
    );
    bench.time.now += HOUR;
    await bench.tick();
    for (const subject of others) {
      expect((await tokenOf(subject))?.token?.expiresAt).toBe(bench.time.now + HOUR);
    }
    expect(await entries()).toMatchObject([{ subject: large, why: 'fault: Unstorable' }]);
  });
});

describe('what is in the way', () => {
  const bucket = () => String(Math.floor(bench.time.now / MINUTE) - 1).padStart(10, '0');

  it('a row of the due index that cannot be read is booked and goes; one of a later version is booked once and stays', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += HOUR;
    const at = (offset: number) => String(bench.time.now - offset).padStart(14, '0');
    const index = tables.table(bench.dueTable);
    const malformed = { partitionKey: bucket(), rowKey: `${at(MINUTE)}-broken`, schema: 1, provider: 'aad' };
    const later = { partitionKey: bucket(), rowKey: `${at(MINUTE)}-later`, schema: 2, provider: 'aad' };
    await index.insert(malformed);
    await index.insert(later);
    await bench.tick();
    await bench.tick();
    expect(asked(alice)).toBe(1);
    const booked = await entries();
    expect(booked).toHaveLength(2);
    expect(booked.every(({ what, times }) => what === 'due_row' && times === 1)).toBe(true);
    const left = (await index.all('')).map(({ row }) => row.rowKey);
    expect(left).toContain(later.rowKey);
    expect(left).not.toContain(malformed.rowKey);
  });

  it('a message that was given up is booked', async () => {
    await bench.setAside.message({ version: 9, items: 'x' });
    await bench.setAside.message({ version: 9, items: 'x' });
    expect(await entries()).toMatchObject([{ what: 'message', times: 2 }]);
  });
});
