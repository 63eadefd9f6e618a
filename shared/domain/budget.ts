/** So much of something in each window of time, all instances together. Windows are aligned to the epoch: a day is a day in UTC. */
export interface Budget {
  readonly name: string;
  /** Spends a window; at least 1. */
  readonly limit: number;
  readonly windowMs: number;
}

/** What all instances together have taken of one window. */
export interface Taken {
  /** ms */
  readonly windowStart: number;
  readonly count: number;
}

export function windowStart(now: number, { windowMs }: Budget): number {
  return Math.floor(now / windowMs) * windowMs;
}

/** How far ahead another instance's clock is believed; a row from further on is a mistake and must not close a budget until then, ms. */
const MOST_SKEW_MS = 60_000;

/**
 * What is taken of the window that counts now. An instance whose clock is behind joins the window that others have begun, so that two
 * clocks never make two allowances of one.
 */
export function takenNow(budget: Budget, stored: Taken | undefined, now: number): Taken {
  const start = windowStart(now, budget);
  const ahead = (stored?.windowStart ?? 0) - start;
  const believed = ahead >= 0 && ahead <= Math.max(budget.windowMs, MOST_SKEW_MS);
  return stored && believed ? stored : { windowStart: start, count: 0 };
}

/** An instance holds back at most this share of what is left, and at first this share of the limit. */
const SHARE_OF_REST = 10;
const FIRST_SHARE = 100;

/**
 * How much an instance takes at once to spend from memory: a hundredth of the limit at first, then as much again as it has spent in this
 * window, never more than a tenth of what is left. So one that is busy writes seldom, and what an idle or a dying one takes along is little.
 * @param waiting spends that are waiting for it
 */
export function blockSize(budget: Budget, left: number, demand: { spent: number; waiting: number }): number {
  const wanted = Math.max(Math.ceil(budget.limit / FIRST_SHARE), demand.spent, demand.waiting);
  return Math.min(left, Math.max(1, Math.min(wanted, Math.ceil(left / SHARE_OF_REST))));
}
