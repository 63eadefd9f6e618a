import { afterEach, describe, expect, it } from 'vitest';
import type { RetryOptions } from '../../local/functions_host/app/core_types.js';
import type { StorageHealth } from '../../local/functions_host/storage/health.js';
import { type Listener, startTimerListener } from '../../local/functions_host/timer/listener.js';
import type { HeldLock } from '../../local/functions_host/timer/lock.js';
import { readRetryPolicy } from '../../local/functions_host/timer/retry.js';
import { parseSchedule } from '../../local/functions_host/timer/schedule.js';
import { type FakeClock, fakeClock, settle } from './support/fake_clock.js';

const start = Date.UTC(2026, 10, 23);
const at = (time: number) => new Date(time).toISOString().slice(11, 19);

interface Run {
  at: string;
  isPastDue: boolean;
  status: { Last: string; Next: string; LastUpdated: string } | null;
  retryCount: number | undefined;
}

/** A timer over a fake clock, a status blob in memory and a lock that can be taken away. */
function timer(schedule: string, options: Partial<TimerOptions> = {}) {
  const clock = options.clock ?? fakeClock(start);
  const blob = options.blob ?? { text: undefined };
  const runs: Run[] = [];
  const outages: boolean[] = [];
  const lock = { free: true, abort: new AbortController(), down: false };
  const health: StorageHealth = { ok: () => outages.push(false), failed: () => outages.push(true) };
  const listener = startTimerListener({
    name: 'tick',
    schedule: parseSchedule(schedule),
    runOnStartup: options.runOnStartup ?? false,
    monitor:
      options.monitored === false
        ? undefined
        : {
            read: async () => blob.text,
            write: async (text) => {
              blob.text = text;
            },
            lease: async () => undefined,
          },
    retry: readRetryPolicy(options.retry, () => 0.5),
    lockPollMs: 1000,
    takeLock: async () => {
      if (lock.down) throw new Error('storage is down');
      if (!lock.free) return undefined;
      lock.abort = new AbortController();
      const held: HeldLock = { lost: lock.abort.signal, release: async () => undefined };
      return held;
    },
    run: async ({ data, retryContext }) => {
      const info = JSON.parse(data.json ?? '') as { IsPastDue: boolean; ScheduleStatus: Run['status'] };
      const retryCount = retryContext?.retryCount;
      runs.push({ at: at(clock.now()), isPastDue: info.IsPastDue, status: info.ScheduleStatus, retryCount });
      await options.work?.(clock, runs.length);
    },
    clock,
    log: { write: () => undefined, enabled: () => false },
    health,
  });
  listeners.push(listener);
  return { clock, blob, runs, lock, outages, listener, times: () => runs.map((run) => run.at) };
}

interface TimerOptions {
  clock: FakeClock;
  blob: { text: string | undefined };
  monitored: boolean;
  runOnStartup: boolean;
  retry: RetryOptions;
  work: (clock: FakeClock, run: number) => Promise<void>;
}

const listeners: Listener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) void listener.stop();
  await settle();
});

describe('a timer', () => {
  it('runs at its times, is not past due, and knows its last and next run', async () => {
    const { clock, runs } = timer('0 */5 * * * *');
    await clock.advance(11 * 60_000);
    expect(runs.map((run) => [run.at, run.isPastDue, run.status?.Last, run.status?.Next])).toEqual([
      ['00:05:00', false, '0001-01-01T00:00:00', '2026-11-23T00:05:00.000Z'],
      ['00:10:00', false, '2026-11-23T00:05:00.000Z', '2026-11-23T00:10:00.000Z'],
    ]);
  });

  it('writes Next from now when it has no status, and does not run at its first start', async () => {
    const { clock, runs, blob } = timer('0 */5 * * * *');
    await clock.advance(0);
    expect(runs).toEqual([]);
    expect(JSON.parse(blob.text ?? '')).toEqual({
      Last: '0001-01-01T00:00:00',
      Next: '2026-11-23T00:05:00.000Z',
      LastUpdated: '2026-11-23T00:00:00.000Z',
    });
  });

  it('runs once, past due, after a restart, however many runs were missed', async () => {
    const first = timer('0 */5 * * * *');
    await first.clock.advance(6 * 60_000);
    await first.listener.stop();
    const second = timer('0 */5 * * * *', { clock: fakeClock(start + 62 * 60_000), blob: first.blob });
    await second.clock.advance(4 * 60_000);
    expect(second.runs.map((run) => [run.at, run.isPastDue])).toEqual([
      ['01:02:00', true],
      ['01:05:00', false],
    ]);
  });

  it('is not past due when its schedule was changed while it was away', async () => {
    const first = timer('0 */5 * * * *');
    await first.clock.advance(6 * 60_000);
    await first.listener.stop();
    const second = timer('0 0 * * * *', { clock: fakeClock(start + 62 * 60_000), blob: first.blob });
    await second.clock.advance(60 * 60_000);
    expect(second.runs.map((run) => [run.at, run.isPastDue])).toEqual([['02:00:00', false]]);
  });

  it('starts afresh when its status cannot be read as one', async () => {
    const { clock, times } = timer('0 */5 * * * *', { blob: { text: 'not json' } });
    await clock.advance(6 * 60_000);
    expect(times()).toEqual(['00:05:00']);
  });

  it('without a monitor has no status and is never past due', async () => {
    const { clock, runs } = timer('*/30 * * * * *', { monitored: false });
    await clock.advance(31_000);
    expect(runs).toEqual([{ at: '00:00:30', isPastDue: false, status: null, retryCount: undefined }]);
  });

  it('runs on startup once, where asked to, and not again when its lock comes back', async () => {
    const { clock, runs, lock } = timer('0 0 * * * *', { runOnStartup: true });
    await clock.advance(1000);
    lock.abort.abort();
    await clock.advance(1000);
    expect(runs.map((run) => [run.at, run.isPastDue])).toEqual([['00:00:00', false]]);
  });

  it('never overlaps itself: a run overdue at the end of the last comes at once, and only one does', async () => {
    const { clock, times } = timer('*/10 * * * * *', {
      work: (time, run) =>
        run === 1 ? new Promise((resolve) => time.after(35_000, resolve)) : Promise.resolve(),
    });
    await clock.advance(65_000);
    expect(times()).toEqual(['00:00:10', '00:00:45', '00:00:50', '00:01:00']);
  });

  it('waits longer than Node can wait at once', async () => {
    const { clock, times } = timer('0 0 0 1 2 *');
    await clock.advance(71 * 24 * 3600_000);
    expect(times()).toEqual(['00:00:00']);
  });

  it('goes on after a failed run', async () => {
    const { clock, times } = timer('0 * * * * *', { work: () => Promise.reject(new Error('failed')) });
    await clock.advance(125_000);
    expect(times()).toEqual(['00:01:00', '00:02:00']);
  });
});

describe('the retry option', () => {
  const fails = () => Promise.reject(new Error('failed'));

  it('fixedDelay runs again after the delay, at most maxRetryCount times, telling which retry it is', async () => {
    const retry = { maxRetryCount: 2, retryStrategy: 'fixedDelay', delayInterval: { seconds: 5 } };
    const { clock, runs } = timer('0 * * * * *', { retry, work: fails });
    await clock.advance(100_000);
    expect(runs.map((run) => [run.at, run.retryCount])).toEqual([
      ['00:01:00', 0],
      ['00:01:05', 1],
      ['00:01:10', 2],
    ]);
  });

  it('exponentialBackoff doubles the delay up to its maximum', async () => {
    const retry = {
      maxRetryCount: 4,
      retryStrategy: 'exponentialBackoff',
      minimumInterval: { seconds: 1 },
      maximumInterval: { seconds: 5 },
    };
    const { clock, times } = timer('0 * * * * *', { retry, work: fails });
    await clock.advance(100_000);
    expect(times()).toEqual(['00:01:00', '00:01:01', '00:01:03', '00:01:07', '00:01:12']);
  });
});

describe('the lock of a timer', () => {
  it('keeps it from running while another process holds it, and is asked for again', async () => {
    const { clock, times, lock } = timer('*/10 * * * * *', { monitored: false });
    lock.abort.abort();
    lock.free = false;
    await clock.advance(35_000);
    expect(times()).toEqual([]);
    lock.free = true;
    await clock.advance(10_000);
    expect(times()).toEqual(['00:00:40']);
  });

  it('that cannot be asked for is asked for ever more slowly until storage answers', async () => {
    const { clock, lock, outages, times } = timer('*/10 * * * * *', { monitored: false });
    lock.down = true;
    lock.abort.abort();
    await clock.advance(60_000);
    expect(outages.filter((failed) => failed).length).toBeLessThan(10);
    lock.down = false;
    await clock.advance(30_000);
    expect(times().length).toBeGreaterThan(0);
  });

  it('is let go of when the timer is stopped, after the run in progress', async () => {
    const order: string[] = [];
    const { clock, listener } = timer('*/10 * * * * *', {
      monitored: false,
      work: async (time) => {
        await new Promise<void>((resolve) => time.after(5000, resolve));
        order.push('run ended');
      },
    });
    await clock.advance(11_000);
    const stopped = listener.stop().then(() => order.push('stopped'));
    await clock.advance(10_000);
    await stopped;
    expect(order).toEqual(['run ended', 'stopped']);
    expect(clock.pending()).toBe(0);
  });
});
