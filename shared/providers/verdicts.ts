import type { Verdict } from '../domain/refresh_result.js';

const DAY_SECONDS = 86_400;

export const TRANSIENT: Verdict = { class: 'transient' };
export const USER: Verdict = { class: 'user_action_required' };
/** The account is locked or suspended: it may come back, and looking often does not help. */
export const USER_DAILY: Verdict = { class: 'user_action_required', waitSeconds: DAY_SECONDS };
/** What we asked for cannot be had, for this target alone. */
export const OUR_REQUEST: Verdict = { class: 'broker_misconfigured' };
/** The app registration itself is refused: the same for every user. */
export const OUR_REGISTRATION: Verdict = { class: 'broker_misconfigured', opensCircuit: true };
export const DEAD: Verdict = { class: 'grant_dead' };

/** Nothing that was said about the credential: no answer, too many requests, or trouble of the provider's own. */
export function isTransport(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** Looks a word up; what is not in the table says nothing against anybody, and is tried again. */
export function verdictOf(table: Readonly<Record<string, Verdict>>, word: string): Verdict {
  return Object.hasOwn(table, word) ? (table[word] ?? TRANSIENT) : TRANSIENT;
}
