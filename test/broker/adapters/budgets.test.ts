import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createBudgets } from '../../../shared/adapters/tables/budgets.js';
import type { Budget } from '../../../shared/domain/budget.js';
import type { Budgets } from '../../../shared/ports.js';
import { type Fault, type FaultyTable, withFaults } from '../support/faulty_table.js';
import { overwrite, withTables } from '../support/tables.js';

const tables = withTables();
const MINUTE = 60_000;
/** At the start of a minute. */
const START = Date.UTC(2026, 10, 23, 12);

interface Instance {
  readonly time: { now: number };
  readonly table: FaultyTable;
  readonly budgets: Budgets;
}

/** One store for all instances over a table: its rows age by its own clock, which is that of the instance that is furthest on. */
const stores = new Map<string, { readonly table: FaultyTable; readonly clocks: { now: number }[] }>();

function storeOf(name: string) {
  const known = stores.get(name);
  if (known) return known;
  const clocks: { now: number }[] = [];
  const table = withFaults(tables.table(name), () => Math.max(...clocks.map(({ now }) => now)));
  const store = { table, clocks };
  stores.set(name, store);
  return store;
}

function instance(tableName: string, now = START): Instance {
  const time = { now };
  const store = storeOf(tableName);
  store.clocks.push(time);
  const table = withFaults(store.table);
  return { time, table, budgets: createBudgets({ table, clock: () => time.now, random: systemRandom }) };
}

/** How many of so many spends at once pass. */
async function passed({ budgets }: Instance, budget: Budget, times: number): Promise<number> {
  const spends = Array.from({ length: times }, () => budgets.spend(budget).catch(() => ({ ok: false })));
  return (await Promise.all(spends)).filter(({ ok }) => ok).length;
}

describe('a budget', () => {
  it('lets exactly its limit pass in a window, then says when the next one begins', async () => {
    const one = instance(tables.name());
    const budget = { name: 'a', limit: 25, windowMs: MINUTE };
    expect(await passed(one, budget, 40)).toBe(25);
    one.time.now += 59_999;
    expect(await one.budgets.spend(budget)).toEqual({ ok: false, retryAt: START + MINUTE });
    one.time.now += 1;
    expect(await passed(one, budget, 40)).toBe(25);
  });

  it('is one budget by name and window: another name or another window has its own', async () => {
    const one = instance(tables.name());
    expect(await passed(one, { name: 'a', limit: 2, windowMs: MINUTE }, 3)).toBe(2);
    expect(await passed(one, { name: 'b', limit: 2, windowMs: MINUTE }, 3)).toBe(2);
    expect(await passed(one, { name: 'a', limit: 3, windowMs: 86_400_000 }, 4)).toBe(3);
  });

  it('costs a table call a block, not a spend, and none once it is closed', async () => {
    const one = instance(tables.name());
    const budget = { name: 'a', limit: 1000, windowMs: MINUTE };
    let calls = 0;
    const { read, update } = one.table;
    const counted =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        calls += 1;
        return call(...args);
      };
    Object.assign(one.table, { read: counted(read), update: counted(update) });
    for (let spend = 0; spend < 1000; spend++) expect(await one.budgets.spend(budget)).toEqual({ ok: true });
    expect(calls).toBeLessThan(150);
    await one.budgets.spend(budget);
    const before = calls;
    await passed(one, budget, 100);
    expect(calls).toBe(before);
  });

  it('an instance that spends little holds little back from the others', async () => {
    const name = tables.name();
    const budget = { name: 'a', limit: 1000, windowMs: MINUTE };
    const idle = Array.from({ length: 5 }, () => instance(name));
    for (const one of idle) await one.budgets.spend(budget);
    expect(await passed(instance(name), budget, 1200)).toBeGreaterThanOrEqual(950);
  });

  it('an instance whose clock is behind spends of the window that others have begun', async () => {
    const name = tables.name();
    const budget = { name: 'a', limit: 10, windowMs: MINUTE };
    expect(await passed(instance(name, START + MINUTE), budget, 20)).toBe(10);
    const behind = instance(name, START + MINUTE - 1);
    expect(await behind.budgets.spend(budget)).toEqual({ ok: false, retryAt: START + 2 * MINUTE - 1 });
  });

  it('a row from far in the future does not close the budget until then', async () => {
    const name = tables.name();
    const budget = { name: 'a', limit: 10, windowMs: MINUTE };
    await passed(instance(name, START + 365 * 86_400_000), budget, 20);
    expect(await passed(instance(name), budget, 20)).toBe(10);
  });

  it('a take that was applied and reported as a conflict is spent once, and not lost', async () => {
    const one = instance(tables.name());
    one.table.fail('insert', ['applied_but_conflict']);
    one.table.fail('update', ['applied_but_conflict', 'applied_but_conflict']);
    expect(await passed(one, { name: 'a', limit: 20, windowMs: MINUTE }, 40)).toBe(20);
  });

  it('without storage it says so, at once for those who come after, and counts on when storage is back', async () => {
    const one = instance(tables.name());
    const budget = { name: 'a', limit: 300, windowMs: MINUTE };
    await one.budgets.spend(budget);
    one.table.cut();
    // The block in hand is still good.
    expect(await one.budgets.spend(budget)).toEqual({ ok: true });
    expect(await one.budgets.spend(budget)).toEqual({ ok: true });
    await expect(one.budgets.spend(budget)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    one.table.mend();
    await expect(one.budgets.spend(budget)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    one.time.now += 2000;
    expect(await passed(one, budget, 400)).toBe(297);
  });

  it('while others take every block before it, an instance is told to come again, and is not left uncounted', async () => {
    const name = tables.name();
    const budget = { name: 'a', limit: 10, windowMs: MINUTE };
    await instance(name).budgets.spend(budget);
    const late = instance(name);
    const { update } = late.table;
    late.table.update = async () => false;
    expect(await late.budgets.spend(budget)).toEqual({ ok: false, retryAt: START + 1000 });
    late.table.update = update;
    late.time.now += 1000;
    expect(await late.budgets.spend(budget)).toEqual({ ok: true });
  });

  it('a row of a later schema is an error, not an empty budget', async () => {
    const name = tables.name();
    const one = instance(name);
    const budget = { name: 'a', limit: 1, windowMs: MINUTE };
    await one.budgets.spend(budget);
    for await (const { partitionKey = '', rowKey = '' } of tables.raw(name).listEntities()) {
      await overwrite(tables.raw(name), { partitionKey, rowKey, schema: 2 });
    }
    await expect(instance(name).budgets.spend(budget)).rejects.toThrow(/schema/);
  });

  it('refuses to count nothing', async () => {
    const one = instance(tables.name());
    await expect(one.budgets.spend({ name: 'a', limit: 0, windowMs: MINUTE })).rejects.toThrow(TypeError);
  });
});

const faults = fc.array(fc.constantFrom<Fault>('down', 'applied_but_conflict', 'applied_but_down'), {
  maxLength: 4,
});
const step = fc.record({
  at: fc.nat(2),
  times: fc.integer({ min: 1, max: 15 }),
  faults,
  skip: fc.nat(2),
  laterMs: fc.constantFrom(0, 0, 0, 2000, 30_000),
});

describe('several instances racing', () => {
  it('never let more than the limit pass in a window, whatever becomes of their writes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 8 }),
        async (limit, rounds) => {
          const name = tables.name();
          const instances = [instance(name), instance(name), instance(name)];
          const budget = { name: 'raced', limit, windowMs: MINUTE };
          const byWindow = new Map<number, number>();
          let now = START;
          for (const round of rounds) {
            for (const one of instances) one.time.now = now;
            const counts = round.map(({ at, times, faults: planned, skip }) => {
              const one = instances[at];
              if (!one) throw new Error('no such instance');
              one.table.fail('update', planned, skip);
              return passed(one, budget, times);
            });
            const window = Math.floor(now / MINUTE);
            const sum = (await Promise.all(counts)).reduce((a, b) => a + b, 0);
            byWindow.set(window, (byWindow.get(window) ?? 0) + sum);
            now += Math.max(0, ...round.map(({ laterMs }) => laterMs));
          }
          for (const count of byWindow.values()) expect(count).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('together let the whole limit pass when nothing goes wrong', async () => {
    const name = tables.name();
    const budget = { name: 'a', limit: 50, windowMs: MINUTE };
    const counts = await Promise.all([1, 2, 3, 4].map(() => passed(instance(name), budget, 30)));
    const total = counts.reduce((a, b) => a + b, 0);
    expect(total).toBeLessThanOrEqual(50);
    expect(total).toBeGreaterThanOrEqual(45);
  });
});
