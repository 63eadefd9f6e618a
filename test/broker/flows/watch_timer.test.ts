import { beforeEach, describe, expect, it } from 'vitest';
import type { BrokerEvent } from '../../../shared/domain/event.js';
import { UPKEEP_HEARTBEAT } from '../../../shared/flows/find_due.js';
import { createWatchTimer, type WatchTimer } from '../../../shared/flows/watch_timer.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

describe('a timer that stands still', () => {
  let now: number;
  let last: number | undefined;
  let reads: number;
  const told = new Map<string, BrokerEvent>();
  const delivered: string[] = [];
  let isAway: boolean;
  let watch: WatchTimer;

  beforeEach(() => {
    now = NOW;
    last = NOW;
    reads = 0;
    isAway = false;
    told.clear();
    delivered.length = 0;
    watch = createWatchTimer({
      heartbeat: {
        beat: async () => undefined,
        async last(name) {
          expect(name).toBe(UPKEEP_HEARTBEAT);
          reads += 1;
          return last;
        },
      },
      periodSeconds: 60,
      async publish(event) {
        const isNew = !told.has(event.id);
        told.set(event.id, event);
        return isNew;
      },
      deliver: async ({ eventId }) => {
        delivered.push(eventId);
        return !isAway;
      },
      clock: () => now,
    });
  });

  it('is no alarm after three missed runs and a minute, and one after that', async () => {
    now = NOW + 4 * MINUTE;
    expect(await watch.check()).toBe(true);
    now += 1;
    expect(await watch.check()).toBe(false);
    expect([...told.values()]).toMatchObject([{ type: 'timer.stale', subject: 'upkeep' }]);
  });

  it('is told of once an hour, and brought to its receivers by whoever noticed', async () => {
    for (now = NOW + 10 * MINUTE; now < NOW + 130 * MINUTE; now += MINUTE) await watch.check();
    expect(delivered).toHaveLength(3);
    expect(new Set(delivered).size).toBe(3);
  });

  it('whose delivery fails is brought again within the minute, ever more seldom, until it has arrived', async () => {
    isAway = true;
    now = NOW + 10 * MINUTE;
    await watch.check();
    await watch.check();
    expect(delivered).toHaveLength(1);
    for (const end = now + 10 * MINUTE; now < end; now += 10_000) await watch.check();
    expect(delivered.length).toBeGreaterThanOrEqual(5);
    expect(delivered.length).toBeLessThanOrEqual(8);
    isAway = false;
    for (const end = now + 12 * MINUTE; now < end; now += MINUTE) await watch.check();
    const arrived = delivered.length;
    for (const end = now + 12 * MINUTE; now < end; now += MINUTE) await watch.check();
    expect(delivered).toHaveLength(arrived);
    expect(new Set(delivered).size).toBe(1);
  });

  it('is noticed by requests too, which look no more than once a minute', async () => {
    for (now = NOW; now < NOW + 10 * MINUTE; now += 1000) await watch.glance();
    expect(reads).toBeLessThanOrEqual(10);
    expect(delivered).toHaveLength(1);
  });

  it('never fails the request that looked', async () => {
    const broken = createWatchTimer({
      heartbeat: {
        beat: async () => undefined,
        last: async () => {
          throw new Error('storage is away');
        },
      },
      periodSeconds: 60,
      publish: async () => true,
      deliver: async () => true,
      clock: () => now,
    });
    now += 10 * MINUTE;
    await expect(broken.glance()).resolves.toBeUndefined();
  });

  it('counts from the start of a process that has never seen it run', async () => {
    last = undefined;
    now = NOW + 4 * MINUTE;
    expect(await watch.check()).toBe(true);
    now += 1;
    expect(await watch.check()).toBe(false);
    last = now;
    expect(await watch.check()).toBe(true);
  });
});
