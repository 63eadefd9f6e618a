/** Time as the host uses it, so that tests can step it. Milliseconds since 1970 and milliseconds to wait. */
export interface Clock {
  now(): number;
  /** Runs `run` once after `ms`; the returned function calls it off. */
  after(ms: number, run: () => void): () => void;
}

/** The machine's own timers; `now` may be replaced. */
export function systemClock(now: () => number = Date.now): Clock {
  return {
    now,
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
export function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

// Node's timers hold at most 2^31 - 1 ms (24.8 days) and fire at once above it.
const longestWait = 24 * 24 * 60 * 60 * 1000;

/** Resolves when the clock has reached `at`, or when `signal` is aborted; long waits are cut in pieces. */
export async function waitUntil(clock: Clock, at: number, signal: AbortSignal): Promise<void> {
  for (let left = at - clock.now(); left > 0 && !signal.aborted; left = at - clock.now()) {
    await wait(clock, Math.min(left, longestWait), signal);
  }
}
