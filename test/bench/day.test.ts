import { describe, expect, it } from 'vitest';
import { DAY, type DayOptions, simulateDay } from '../../bench/scale/day.js';

const crowd: DayOptions = {
  users: 6000,
  seed: 1,
  arrival: (chance) => chance(),
  tokenLife: { least: 3600, most: 5400 },
  windowSeconds: 600,
  periodSeconds: 60,
  tickAllowance: 150,
  budget: { limit: 24, windowSeconds: 10 },
  workers: 6,
};

/** Calls in each ten minutes from `fromHour` on, of their mean; the last are cut by the end of the day. */
function shares(calls: Uint32Array, fromHour: number): number[] {
  const sums = new Array<number>(DAY / 600).fill(0);
  for (const [second, count] of calls.entries()) {
    const at = Math.floor(second / 600);
    sums[at] = (sums[at] ?? 0) + count;
  }
  const settled = sums.slice(fromHour * 6, -1);
  const mean = settled.reduce((sum, count) => sum + count, 0) / settled.length;
  return settled.map((count) => count / mean);
}

describe('a day with a crowd that signs in within one hour', () => {
  it('the provider is asked evenly, within a fifth, from the second hour on, and no token ends', () => {
    const day = simulateDay(crowd);
    const [least, most] = [Math.min(...shares(day.calls, 2)), Math.max(...shares(day.calls, 2))];
    expect(least).toBeGreaterThan(0.8);
    expect(most).toBeLessThan(1.2);
    expect(day.expired).toBe(0);
    expect(day.leastLeft).toBeGreaterThan(crowd.windowSeconds - 2 * crowd.periodSeconds);
  });

  it('a crowd that comes within ten minutes is spread as well, a few rounds later', () => {
    const rate = { tickAllowance: 400, budget: { limit: 64, windowSeconds: 10 }, workers: 12 };
    const day = simulateDay({ ...crowd, ...rate, arrival: (chance) => chance() / 6 });
    expect(Math.min(...shares(day.calls, 6))).toBeGreaterThan(0.8);
    expect(Math.max(...shares(day.calls, 6))).toBeLessThan(1.2);
    expect(day.expired).toBe(0);
  });

  it('the same seed gives the same day', () => {
    const small = { ...crowd, users: 300 };
    expect(simulateDay(small)).toEqual(simulateDay(small));
  });

  it('where the provider may be asked less often than is needed, tokens end: the figures would show it', () => {
    const starved = simulateDay({ ...crowd, users: 3000, budget: { limit: 4, windowSeconds: 10 } });
    expect(starved.expired).toBeGreaterThan(0);
  });
});
