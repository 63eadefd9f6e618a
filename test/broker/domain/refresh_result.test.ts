import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addFailure,
  cappedRetryAfter,
  type Failure,
  type ProviderFailure,
  type RefreshClass,
  type Verdict,
} from '../../../shared/domain/refresh_result.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const broken: ProviderFailure = { status: 503, error: 'x', codes: [] };

function add(verdict: Verdict, previous?: Failure, failure = broken, now = NOW): Failure {
  return addFailure(previous, failure, verdict, { now, seed: 'alice' });
}

function repeated(verdict: Verdict, times: number): Failure {
  let failure = add(verdict);
  for (let count = 1; count < times; count++) failure = add(verdict, failure);
  return failure;
}

const wait = (failure: Failure) => (failure.nextAttemptAt ?? Number.NaN) - NOW;

describe('the wait after a failed refresh', () => {
  it('transient: doubles from 15 s to 15 min, within a fifth either way', () => {
    for (let count = 1; count <= 40; count++) {
      const base = Math.min(15_000 * 2 ** (count - 1), 15 * MINUTE);
      const waited = wait(repeated({ class: 'transient' }, count));
      expect(waited).toBeGreaterThanOrEqual(base * 0.8 - 1);
      expect(waited).toBeLessThanOrEqual(base * 1.2 + 1);
    }
  });

  it('transient: users failing together do not come back together', () => {
    const waits = Array.from({ length: 50 }, (_, index) =>
      addFailure(undefined, broken, { class: 'transient' }, { now: NOW, seed: `user ${index}` }),
    );
    expect(new Set(waits.map(wait)).size).toBeGreaterThan(40);
  });

  it('user action: 1 h, 6 h, then daily', () => {
    const waits = [1, 2, 3, 4, 9].map((times) => wait(repeated({ class: 'user_action_required' }, times)));
    expect(waits).toEqual([HOUR, 6 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR]);
  });

  it('misconfigured: 5 min, since the mending is ours', () => {
    expect(wait(repeated({ class: 'broker_misconfigured' }, 7))).toBe(5 * MINUTE);
  });

  it('dead: there is no next attempt, not even when the provider names one', () => {
    expect(
      add({ class: 'grant_dead' }, undefined, { ...broken, retryAfterSeconds: 5 }).nextAttemptAt,
    ).toBeUndefined();
  });

  it('Retry-After is obeyed to the second, up to an hour', () => {
    for (const [asked, waited] of [
      [0, 0],
      [7, 7],
      [3600, 3600],
      [86_400, 3600],
    ] as const) {
      expect(wait(add({ class: 'transient' }, undefined, { ...broken, retryAfterSeconds: asked }))).toBe(
        waited * 1000,
      );
    }
    expect(cappedRetryAfter(-5)).toBe(0);
  });

  it('a least wait stands against a shorter Retry-After: two strikes must not come within seconds', () => {
    const verdict = { class: 'transient', waitSeconds: 600 } as const;
    expect(wait(add(verdict, undefined, { ...broken, retryAfterSeconds: 1 }))).toBe(600_000);
    expect(wait(add(verdict))).toBe(600_000);
  });

  it('is never in the past and never longer than a day', () => {
    const classes: RefreshClass[] = ['transient', 'user_action_required', 'broker_misconfigured'];
    fc.assert(
      fc.property(
        fc.constantFrom(...classes),
        fc.integer({ min: 1, max: 200 }),
        fc.option(fc.integer({ min: 0, max: 1e6 }), { nil: undefined }),
        (kind, count, retryAfterSeconds) => {
          const previous = { ...add({ class: kind }), count };
          const failure = retryAfterSeconds === undefined ? broken : { ...broken, retryAfterSeconds };
          const waited = wait(add({ class: kind }, previous, failure));
          expect(waited).toBeGreaterThanOrEqual(0);
          expect(waited).toBeLessThanOrEqual(24 * HOUR);
        },
      ),
    );
  });
});

describe('the record of repeated failure', () => {
  it('counts failures of one class in a row, from the first', () => {
    const third = repeated({ class: 'transient' }, 3);
    expect(third).toMatchObject({ count: 3, firstAt: NOW });
  });

  it('starts anew when the class changes', () => {
    const failure = add(
      { class: 'user_action_required' },
      repeated({ class: 'transient' }, 5),
      broken,
      NOW + 1,
    );
    expect(failure).toMatchObject({ class: 'user_action_required', count: 1, firstAt: NOW + 1 });
  });

  it('hands on a claims challenge, codes and the error word', () => {
    const failure = add({ class: 'user_action_required' }, undefined, {
      status: 400,
      error: 'interaction_required',
      codes: [50076],
      claims: '{"access_token":{}}',
    });
    expect(failure).toMatchObject({
      error: 'interaction_required',
      codes: [50076],
      claims: '{"access_token":{}}',
    });
  });
});
