import { type FreshnessRules, type KeptToken, targetKey } from './connection.js';
import { fraction } from './digest.js';
import { subjectKey } from './subject.js';

/** A time at which something may be done, and how much earlier it may be done instead, ms. */
export interface Room {
  /** The latest good time. */
  readonly latest: number;
  /** How long after `from` that is: the cycle that repeats when each time is the latest one. */
  readonly cycle: number;
  /** How much earlier than `latest` is still good. */
  readonly room: number;
}

/** Cycles that differ by less than this fortieth count as the same one: providers say 3600 s one time and 3599 s the next. */
const STEPS = [60_000, 10_000, 1000, 100, 10] as const;
const STEPS_A_CYCLE = 40;

/**
 * Spreads work that repeats. Everybody has a place of their own in the cycle, always the same for the same seed, and is moved there by coming
 * early, a few times if the room is small; from then on they come once a cycle. So a crowd that was made together, by a mass enrolment
 * or by catching up after an outage, is spread flat over the whole cycle within a few rounds, and stays so.
 */
export function spreadBack({ latest, cycle, room }: Room, seed: string): number {
  const step = STEPS.find((candidate) => cycle >= STEPS_A_CYCLE * candidate);
  if (step === undefined || room <= 0) return Math.round(latest);
  const common = Math.floor((cycle - step / 2) / step) * step;
  const late = modulo(latest - fraction(seed) * common, common);
  return Math.ceil(latest - late / Math.max(1, Math.ceil(late / room)));
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** How much of a cycle one round may come early. */
const MOST_EARLY = 0.3;
/** Where half a life is shorter than the window, this much of it is left to move in. */
const LEAST_ROOM = 0.1;

/**
 * When a token should be refreshed: at least one window before its end, and earlier as far as spreading asks ({@link spreadBack}); but never
 * in the first half of its life, or a short-lived token would be due for ever.
 */
export function refreshAt(
  life: { obtainedAt: number; expiresAt: number },
  windowSeconds: number,
  seed: string,
): number {
  const half = (life.expiresAt - life.obtainedAt) / 2;
  const latest = life.expiresAt - Math.min(windowSeconds * 1000, half / (1 + LEAST_ROOM));
  const cycle = latest - life.obtainedAt;
  return spreadBack({ latest, cycle, room: Math.min(cycle - half, MOST_EARLY * cycle) }, seed);
}

/** When this target wants attention: at its next attempt while failing, else before its token ends, else now. */
export function targetDueAt(
  kept: KeptToken | undefined,
  rules: FreshnessRules,
  enrolledAt: number,
): number | undefined {
  if (kept?.failure) return kept.failure.nextAttemptAt;
  if (!kept?.token) return enrolledAt;
  const seed = `${subjectKey(kept.subject)}:${targetKey(kept.target)}`;
  if (kept.target.resource !== undefined) return refreshAt(kept.token, rules.windowSeconds, seed);
  const cycle = rules.livenessSeconds * 1000;
  return spreadBack({ latest: kept.token.obtainedAt + cycle, cycle, room: MOST_EARLY * cycle }, seed);
}
