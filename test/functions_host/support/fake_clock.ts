import type { Clock } from '../../../local/functions_host/clock.js';

export interface FakeClock extends Clock {
  /** Moves time on, running what falls due in order, and lets everything it started settle. */
  advance(ms: number): Promise<void>;
  pending(): number;
}

/** A clock that stands still until a test moves it. */
export function fakeClock(start = Date.UTC(2026, 10, 23)): FakeClock {
  let time = start;
  let timers: { at: number; run: () => void }[] = [];
  return {
    now: () => time,
    after(ms, run) {
      const timer = { at: time + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const end = time + ms;
      await settle();
      for (let due = earliest(timers, end); due; due = earliest(timers, end)) {
        const timer = due;
        timers = timers.filter((other) => other !== timer);
        time = Math.max(time, timer.at);
        timer.run();
        await settle();
      }
      time = end;
    },
    pending: () => timers.length,
  };
}

function earliest<T extends { at: number }>(timers: readonly T[], end: number): T | undefined {
  return timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
}

/** Lets promise chains run to where they wait for the clock again. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
