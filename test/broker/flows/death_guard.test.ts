import { beforeEach, describe, expect, it } from 'vitest';
import { createGuardStore } from '../../../shared/adapters/tables/guard.js';
import type { BrokerEvent } from '../../../shared/domain/event.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { createDeathGuard } from '../../../shared/flows/death_guard.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { failing } from '../support/scripted_provider.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const tables = memoryTables(() => bench.time.now);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DEAD = failing('invalid_grant', { codes: [50173] });
let bench: Bench;

beforeEach(() => {
  bench = createBench(tables);
});

const { users, connection, tokenOf } = upkeepUsers(() => bench);

async function living(all: readonly Subject[]): Promise<Subject[]> {
  const states = await Promise.all(all.map(async (subject) => (await connection(subject))?.state));
  return all.filter((_, index) => states[index] === 'active');
}

const told = (type: string) => bench.told.filter((event) => event.type === type);

describe('a provider that calls everybody dead', () => {
  it('is not believed: all but the first few are kept with their credentials, and there is one alarm', async () => {
    const all = await users(9);
    bench.time.now += HOUR;
    bench.provider.answers(() => DEAD);
    await bench.tick();
    // Those that were tried at the same moment count each other.
    const kept = await living(all);
    expect(kept.length).toBeGreaterThanOrEqual(5);
    for (const subject of kept) expect((await connection(subject))?.refreshToken).toBeDefined();
    expect(told('guard.holding')).toMatchObject([{ subject: 'aad' }]);
    bench.time.now += 40 * MINUTE;
    await bench.tick();
    expect(await living(all)).toEqual(kept);
    expect(told('guard.holding')).toHaveLength(1);
  });

  it('and comes to its senses: those who were kept live on, and the alarm ends by itself', async () => {
    const all = await users(9);
    bench.time.now += HOUR;
    bench.provider.answers(() => DEAD);
    await bench.tick();
    bench.provider.answersWell();
    for (let run = 0; run < 4; run++) {
      bench.time.now += 40 * MINUTE;
      await bench.tick();
    }
    const kept = await living(all);
    expect(kept.length).toBeGreaterThanOrEqual(5);
    for (const subject of kept)
      expect((await connection(subject))?.refreshedAt).toBeGreaterThan(bench.time.now - HOUR);
    expect(told('guard.ended')).toHaveLength(1);
    expect(await bench.guard.state('aad')).toBeUndefined();
  });

  it('is believed once an operator says so', async () => {
    const all = await users(9);
    bench.time.now += HOUR;
    bench.provider.answers(() => DEAD);
    await bench.tick();
    await bench.deathGuard.confirm('aad');
    bench.time.now += 40 * MINUTE;
    await bench.tick();
    expect(await living(all)).toEqual([]);
  });

  it('a client is told to come back later, not that the user is gone', async () => {
    const all = await users(9);
    bench.time.now += HOUR;
    bench.provider.answers(() => DEAD);
    await bench.tick();
    const [held] = await living(all);
    if (!held) throw new Error('nobody is held');
    expect((await tokenOf(held))?.failure).toMatchObject({ class: 'transient', error: 'invalid_grant' });
  });
});

describe('the count', () => {
  const guardOf = () => createDeathGuard(bench);

  it('is of all instances together', async () => {
    const [one, two] = [guardOf(), guardOf()];
    const believed = [];
    for (let death = 0; death < 3; death++) {
      believed.push(await one.mayBury('aad'), await two.mayBury('aad'));
    }
    expect(believed).toEqual([true, true, true, true, false, false]);
  });

  it('knows each provider by itself, and forgets after an hour', async () => {
    const guard = guardOf();
    for (let death = 0; death < 5; death++) await guard.mayBury('aad');
    expect(await guard.mayBury('google')).toBe(true);
    for (let alive = 0; alive < 20; alive++) await guard.survived('aad');
    bench.time.now += 75 * MINUTE;
    expect(await guard.mayBury('aad')).toBe(true);
  });

  it('two in a hundred are what users bring about themselves', async () => {
    const guard = guardOf();
    for (let user = 0; user < 400; user++) await guard.survived('aad');
    for (let death = 0; death < 7; death++) expect(await guard.mayBury('aad')).toBe(true);
    expect(await guard.mayBury('aad')).toBe(true);
    expect(await guard.mayBury('aad')).toBe(false);
  });

  it('a streak is noticed at once, however many were well before', async () => {
    const guard = guardOf();
    for (let user = 0; user < 5000; user++) await guard.survived('aad');
    const believed = [];
    for (let death = 0; death < 12; death++) believed.push(await guard.mayBury('aad'));
    expect(believed.filter(Boolean)).toHaveLength(9);
  });

  it('an alarm that did not get out is given again, under the same id', async () => {
    const events: BrokerEvent[] = [];
    const publish = async (event: BrokerEvent) => {
      events.push(event);
      return false;
    };
    const guard = createDeathGuard({ ...bench, publish });
    for (let death = 0; death < 6; death++) {
      await guard.mayBury('aad');
      bench.time.now += 1000;
    }
    expect(events).toHaveLength(2);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  it('is kept for a day and not for ever', async () => {
    const table = tables.table();
    const store = createGuardStore(table, bench.random);
    for (let hour = 0; hour < 72; hour++) await store.add('aad', { tried: 9, died: 1 }, hour * HOUR);
    expect((await table.all('')).length).toBeLessThanOrEqual(25);
    expect(await store.sum('aad', 71 * HOUR)).toEqual({ tried: 9, died: 1 });
  });

  it('begins anew when an operator clears it', async () => {
    const guard = guardOf();
    for (let death = 0; death < 6; death++) await guard.mayBury('aad');
    expect(await guard.look('aad')).toMatchObject({ died: 6 });
    await guard.clear('aad');
    expect(await guard.look('aad')).toEqual({ tried: 0, died: 0 });
    expect(await guard.mayBury('aad')).toBe(true);
  });
});
