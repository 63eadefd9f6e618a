import { describe, expect, it } from 'vitest';
import { providerBudgets } from '../../../shared/domain/provider_rate.js';
import type { DueItem } from '../../../shared/ports.js';
import { createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { NOW } from '../support/samples.js';
import { DOWN } from '../support/scripted_provider.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The whole ten thousand take two minutes: `OUTAGE_USERS=10000`. */
const USERS = Number(process.env.OUTAGE_USERS ?? 400);
/** Calls a second: hourly tokens need a sixth of it. */
const RATE = Math.ceil(USERS / 500);

describe('a provider that is down for an hour', () => {
  it('loses none of its connections, and on its return is asked within its rate until all are fresh', async () => {
    const bench = createBench(memoryTables(() => at.now));
    const at = bench.time;
    at.pauseMs = 0;
    const { user, connection } = upkeepUsers(() => bench);
    bench.rates.preset = 1_000_000;
    const people = [];
    for (let index = 0; index < USERS; index++) people.push(await user());
    await drain(bench);
    bench.rates.preset = RATE;

    const { timer } = providerBudgets({ preset: RATE, byName: {} }, 'aad');
    const calls: number[] = [];
    const answer = (down: boolean) =>
      bench.provider.answers((call) => {
        calls.push(at.now);
        return down ? DOWN : bench.provider.good(call);
      });
    answer(false);
    for (const end = NOW + HOUR; at.now < end; at.now += MINUTE) await minute(bench);
    answer(true);
    for (const end = NOW + 2 * HOUR; at.now < end; at.now += MINUTE) await minute(bench);
    answer(false);
    for (const end = NOW + 4 * HOUR; at.now < end; at.now += MINUTE) await minute(bench);

    const windows = new Map<number, number>();
    for (const time of calls) {
      const window = Math.floor(time / timer.windowMs);
      windows.set(window, (windows.get(window) ?? 0) + 1);
    }
    expect(Math.max(...windows.values())).toBeLessThanOrEqual(timer.limit);
    for (const subject of people) {
      const found = await connection(subject);
      expect(found?.state).toBe('active');
      expect(found?.refreshedAt).toBeGreaterThan(at.now - HOUR);
    }
  }, 900_000);
});

type Bench = ReturnType<typeof createBench>;

async function drain(bench: Bench): Promise<void> {
  while ((await bench.tick()) > 0);
}

/** One run of the timer, and its work while the clock goes on as ten seconds pass at a time. */
async function minute(bench: Bench): Promise<void> {
  const began = bench.time.now;
  const waiting: (readonly DueItem[])[] = [...(await bench.findDue())];
  for (let step = 0; step < 6; step++) {
    bench.time.now = began + step * 10_000;
    const share = Math.ceil(waiting.length / (6 - step));
    await Promise.all(waiting.splice(0, share).map((batch) => bench.workDue(batch)));
  }
  bench.time.now = began;
}
