import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createBudgets } from '../../../shared/adapters/tables/budgets.js';
import type { Budget } from '../../../shared/domain/budget.js';
import { withFaults } from '../support/faulty_table.js';
import { memoryTables } from '../support/memory_tables.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 1440 * MINUTE;
const START = Date.UTC(2026, 10, 23, 12);

/** Instances whose clocks are off by so much, over one row whose age is by the store's own clock. */
function world(budget: Budget, skews: readonly number[]) {
  const time = { now: START };
  const table = withFaults(memoryTables(() => time.now).table('budgets'), () => time.now);
  const instances = skews.map((skew) =>
    createBudgets({ table, clock: () => time.now + skew, random: systemRandom }),
  );
  const spentAt: number[] = [];
  return {
    time,
    spentAt,
    async spend(who: number, times: number): Promise<number> {
      let passed = 0;
      for (let turn = 0; turn < times; turn++) {
        if (!(await instances[who]?.spend(budget))?.ok) continue;
        passed += 1;
        spentAt.push(time.now);
      }
      return passed;
    },
    /** The most in one window, as a clock that is off by so much counts. */
    most(skew: number): number {
      const byWindow = new Map<number, number>();
      for (const at of spentAt) {
        const window = Math.floor((at + skew) / budget.windowMs);
        byWindow.set(window, (byWindow.get(window) ?? 0) + 1);
      }
      return Math.max(0, ...byWindow.values());
    },
  };
}

const skew = fc.constantFrom(-10 * MINUTE, -5 * MINUTE, 0, 5 * MINUTE, 10 * MINUTE);
const step = fc.record({
  who: fc.nat(1),
  times: fc.integer({ min: 1, max: 25 }),
  laterMs: fc.constantFrom(0, 0, 500, 3 * SECOND, 10 * SECOND, 40 * SECOND, 5 * MINUTE, 25 * MINUTE),
});

describe('two instances whose clocks are up to ten minutes off', () => {
  it.each([10 * SECOND, MINUTE])(
    'never let more than the limit pass in a window of %i ms by the count of either clock, and neither is left out',
    async (windowMs) => {
      await fc.assert(
        fc.asyncProperty(
          fc.tuple(skew, skew),
          fc.integer({ min: 1, max: 20 }),
          fc.array(step, { maxLength: 25 }),
          async (skews, limit, steps) => {
            const on = world({ name: 'skewed', limit, windowMs }, skews);
            for (const { who, times, laterMs } of steps) {
              await on.spend(who, times);
              on.time.now += laterMs;
            }
            for (const by of skews) expect(on.most(by)).toBeLessThanOrEqual(limit);
            for (const who of [0, 1]) {
              on.time.now += Math.max(windowMs, MINUTE) + windowMs;
              expect(await on.spend(who, 1)).toBe(1);
            }
          },
        ),
        { numRuns: 200 },
      );
    },
  );

  it('keep a day within its limit by the count of the clock that is ahead', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(skew, skew),
        fc.array(fc.record({ who: fc.nat(1), times: fc.integer({ min: 1, max: 25 }) }), { maxLength: 40 }),
        async (skews, steps) => {
          const on = world({ name: 'skewed', limit: 20, windowMs: DAY }, skews);
          on.time.now = START + 11.5 * 60 * MINUTE;
          for (const { who, times } of steps) {
            await on.spend(who, times);
            on.time.now += 2 * MINUTE;
          }
          expect(on.most(Math.max(...skews))).toBeLessThanOrEqual(20);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('a clock that is mad closes the budget for nobody', async () => {
    const on = world({ name: 'mad', limit: 10, windowMs: 10 * SECOND }, [DAY, 0]);
    await on.spend(0, 20);
    expect(await on.spend(1, 20)).toBe(10);
  });
});
