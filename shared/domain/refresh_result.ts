import { fraction } from './digest.js';

/** What a failed refresh can mean, decided by who has to act. */
export const REFRESH_CLASSES = [
  'transient',
  'user_action_required',
  'grant_dead',
  'broker_misconfigured',
] as const;

export type RefreshClass = (typeof REFRESH_CLASSES)[number];

/** What the provider answered when it did not answer with a token. Holds no token, no secret, no user data. */
export interface ProviderFailure {
  /** HTTP status; 0 when no answer came (time-out, connection lost). */
  readonly status: number;
  /** The `error` member (RFC 6749 §5.2), or a word of ours when there is none. */
  readonly error: string;
  readonly suberror?: string;
  /** Numbers such as AADSTS codes: for people and for refining `invalid_grant`, nothing else. */
  readonly codes: readonly number[];
  /** A claims challenge to hand on to whoever can bring the user back. */
  readonly claims?: string;
  readonly retryAfterSeconds?: number;
  readonly traceId?: string;
  /** App id of the facade, where its own hop failed: the user's credential had been redeemed by then. */
  readonly facade?: string;
}

export interface Verdict {
  readonly class: RefreshClass;
  /** The whole app registration is unusable: stop asking for every user until it is mended. */
  readonly opensCircuit?: boolean;
  /** Least wait before the next attempt, seconds. */
  readonly waitSeconds?: number;
}

/** The state of repeated failure, kept beside the token it concerns. Times in ms. */
export interface Failure {
  readonly class: RefreshClass;
  /** How many of this class in a row, and since when. */
  readonly count: number;
  readonly firstAt: number;
  /** How many of any class without a success between, and since when; where it is the first class, as above. */
  readonly attempts?: number;
  readonly failingSince?: number;
  readonly at: number;
  readonly error: string;
  readonly codes: readonly number[];
  readonly claims?: string;
  /** Undefined when there will be none. */
  readonly nextAttemptAt?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RETRY_AFTER_CAP_SECONDS = 3600;
const USER_RETRY = [HOUR, 6 * HOUR, 24 * HOUR] as const;
const MISCONFIGURED_RETRY = 5 * MINUTE;
const TRANSIENT_FIRST = 15_000;
const TRANSIENT_CAP = 15 * MINUTE;

/** `Retry-After` is obeyed to the second, up to an hour; beyond that a provider's slip would park a user for days. */
export function cappedRetryAfter(seconds: number): number {
  return Math.min(Math.max(0, seconds), RETRY_AFTER_CAP_SECONDS);
}

/**
 * Adds one failure to what was known and says when to try again.
 * Transient: exponential from 15 s to 15 min with ±20 % deterministic jitter. User action: 1 h, 6 h, then daily.
 * Misconfigured: 5 min, since the mending is ours. Dead: never. `Retry-After` takes the place of these, but never goes below the
 * least wait of the verdict.
 * @param seed spreads users apart: the same seed and count always give the same wait.
 */
export function addFailure(
  previous: Failure | undefined,
  failure: ProviderFailure,
  verdict: Verdict,
  when: { now: number; seed: string },
): Failure {
  const repeated = previous?.class === verdict.class ? previous : undefined;
  const count = (repeated?.count ?? 0) + 1;
  const next = nextAttemptAt(verdict, { count, now: when.now, seed: when.seed }, failure.retryAfterSeconds);
  return {
    class: verdict.class,
    count,
    firstAt: repeated?.firstAt ?? when.now,
    attempts: (previous?.attempts ?? previous?.count ?? 0) + 1,
    failingSince: previous?.failingSince ?? previous?.firstAt ?? when.now,
    at: when.now,
    error: failure.error,
    codes: failure.codes,
    ...(failure.claims === undefined ? {} : { claims: failure.claims }),
    ...(next === undefined ? {} : { nextAttemptAt: next }),
  };
}

function nextAttemptAt(
  verdict: Verdict,
  attempt: { count: number; now: number; seed: string },
  retryAfterSeconds: number | undefined,
): number | undefined {
  if (verdict.class === 'grant_dead') return undefined;
  const { count, now, seed } = attempt;
  const asked = retryAfterSeconds === undefined ? undefined : cappedRetryAfter(retryAfterSeconds) * 1000;
  return now + Math.max(asked ?? backOff(verdict.class, count, seed), (verdict.waitSeconds ?? 0) * 1000);
}

function backOff(kind: Exclude<RefreshClass, 'grant_dead'>, count: number, seed: string): number {
  switch (kind) {
    case 'user_action_required':
      return USER_RETRY[Math.min(count, USER_RETRY.length) - 1] ?? HOUR;
    case 'broker_misconfigured':
      return MISCONFIGURED_RETRY;
    case 'transient': {
      const base = Math.min(TRANSIENT_FIRST * 2 ** Math.min(count - 1, 20), TRANSIENT_CAP);
      return Math.round(base * (0.8 + 0.4 * fraction(`${seed}:${count}`)));
    }
  }
}
