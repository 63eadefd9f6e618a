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
  /** How much of the window was left when that was written, by the writer's clock, ms; absent in rows of earlier builds. */
  readonly leftMs?: number;
}

/** A window as it counts now, and how much longer. */
export interface Current extends Taken {
  readonly leftMs: number;
}

export function windowStart(now: number, { windowMs }: Budget): number {
  return Math.floor(now / windowMs) * windowMs;
}

/** How far ahead another instance's clock is believed by its word alone, ms. */
const NEAR_MS = 60_000;
/** How far apart two clocks may be that are each ten minutes off, ms; what is further is a mistake and must not close a budget. */
const MOST_SKEW_MS = 20 * 60_000;

/** The store tells the age of a row to the second, and clocks that are right differ by less than another, ms. */
const COARSE_MS = 2000;

/**
 * What is taken of the window that counts now. An instance joins the window that others have begun, so that two clocks never make two
 * allowances of one: where theirs is a little ahead by what the row says, and where it is minutes off, either way, for as long as that
 * window lasts by the store's own clock. So clocks up to ten minutes off count one window after the other, each within the limit. Nobody
 * waits longer than for the end of one window and a second, the store's clock being coarse, or a minute where that is more.
 * @param ageMs since the row was written, by the store's clock; where the store does not say, such a window has ended
 */
export function takenNow(
  budget: Budget,
  stored: Taken | undefined,
  { now, ageMs = Number.POSITIVE_INFINITY }: { readonly now: number; readonly ageMs?: number | undefined },
): Current {
  const start = windowStart(now, budget);
  const fresh = { windowStart: start, count: 0, leftMs: start + budget.windowMs - now };
  if (!stored) return fresh;
  const ahead = stored.windowStart - start;
  if (ahead >= 0 && ahead <= Math.max(budget.windowMs, NEAR_MS)) {
    return { ...stored, leftMs: stored.windowStart + budget.windowMs - now };
  }
  const isOff = Math.abs(ahead) <= MOST_SKEW_MS + budget.windowMs;
  // One window behind is, by a clock that is right, the one before, which is over: then a coarse age must not draw it out.
  const leastMs = ahead === -budget.windowMs ? COARSE_MS : 0;
  const leftMs = Math.min(stored.leftMs ?? 0, budget.windowMs) - ageMs;
  return isOff && leftMs > leastMs ? { ...stored, leftMs } : fresh;
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
