/** Waiting times that grow while there is nothing to do, as the queue listener of Azure spaces its polls. */
export interface Backoff {
  /** The next wait in milliseconds. */
  next(): number;
  reset(): void;
}

/** First `min`, then doubling with up to a fifth of randomness, never above `max`. `random` gives 0 to 1. */
export function createBackoff(min: number, max: number, random: () => number = Math.random): Backoff {
  let round = 0;
  return {
    next() {
      const grown = min * 2 ** Math.min(round, 30) * (round === 0 ? 1 : 0.8 + 0.4 * random());
      round++;
      return Math.round(Math.min(max, Math.max(min, grown)));
    },
    reset() {
      round = 0;
    },
  };
}
