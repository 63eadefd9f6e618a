import type { Tally } from '../domain/death_guard.js';

/** Whether deaths of a provider's connections are believed. Times in ms. */
export interface GuardState {
  /** Since when they are not. */
  readonly holdingSince?: number;
  /** An operator has said until when they are. */
  readonly confirmedUntil?: number;
}

/** Counted over all instances: each adds to a row of its own. */
export interface GuardStore {
  add(provider: string, tally: Tally, at: number): Promise<void>;
  sum(provider: string, from: number): Promise<Tally>;
  /** Forgets what was counted. */
  reset(provider: string): Promise<void>;
  state(provider: string): Promise<GuardState | undefined>;
  /** Begins to hold; false when somebody does already. */
  hold(provider: string, since: number): Promise<boolean>;
  /** Answers whether this call changed it. */
  setState(provider: string, state: GuardState | undefined): Promise<boolean>;
}
