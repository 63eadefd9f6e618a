import type { RetryOptions } from '../app/core_types.js';

/** How often and when a failed run is tried again. */
export interface RetryPolicy {
  /** Infinity for `maxRetryCount` -1. */
  max: number;
  /** Milliseconds before the retry of this number, from 1. */
  delay(retry: number): number;
}

/** The `retry` option of a function; without one, no retries. `random` gives 0 to 1. */
export function readRetryPolicy(
  options: RetryOptions | undefined,
  random: () => number = Math.random,
): RetryPolicy {
  if (!options) return { max: 0, delay: () => 0 };
  const count = options.maxRetryCount ?? 0;
  const max = count < 0 ? Infinity : count;
  if (options.retryStrategy !== 'exponentialBackoff') {
    const fixed = (options.delayInterval?.seconds ?? 0) * 1000;
    return { max, delay: () => fixed };
  }
  const shortest = (options.minimumInterval?.seconds ?? 1) * 1000;
  const longest = Math.max(shortest, (options.maximumInterval?.seconds ?? 60) * 1000);
  return {
    max,
    delay: (retry) => {
      const grown = shortest * 2 ** Math.min(retry - 1, 30) * (retry === 1 ? 1 : 0.8 + 0.4 * random());
      return Math.round(Math.min(longest, Math.max(shortest, grown)));
    },
  };
}
