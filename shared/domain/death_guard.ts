import { fraction } from './digest.js';
import type { Failure } from './refresh_result.js';

/** What became of a provider's connections within a span of time. */
export interface Tally {
  readonly tried: number;
  readonly died: number;
}

/** Deaths are counted over this, ms. */
export const GUARD_WINDOW_MS = 3_600_000;
const LEAST_DEATHS = 5;
const LIKELY_SHARE = 0.02;

/** More deaths than users bring about by themselves: then it is more likely that the provider, or we, are wrong. */
export function isUnlikely({ tried, died }: Tally): boolean {
  return died >= Math.max(LEAST_DEATHS, LIKELY_SHARE * tried);
}

/** How many of the last attempts of one process are looked at, and how many deaths among them are too many. */
export const STREAK = 20;
const STREAK_DEATHS = 10;

/** Where thousands are tried a minute, two in a hundred are many already: a streak is noticed at once. */
export function isStreak(lastDied: readonly boolean[]): boolean {
  return lastDied.filter(Boolean).length >= STREAK_DEATHS;
}

const HELD_MS = 30 * 60_000;

/**
 * A death that is not believed: nothing is wiped, and the provider is asked again within the hour. Whoever asks for a token meanwhile is told
 * to come back later, and not that the user is gone.
 */
export function heldBack(failure: Failure, now: number, seed: string): Failure {
  const wait = Math.round(HELD_MS * (0.8 + 0.4 * fraction(`${seed}:${failure.count}`)));
  return { ...failure, class: 'transient', nextAttemptAt: now + wait };
}
