import type { Budget } from '../domain/budget.js';
import { Refusal } from '../domain/errors.js';
import type { Authorization } from '../domain/narrowing.js';
import { subjectKey } from '../domain/subject.js';
import type { Budgets, Clock } from '../ports.js';

/** Spends one call of the provider for a claims challenge. @throws Refusal `rate_limited` */
export type CountChallenge = (
  authorization: Pick<Authorization, 'subject' | 'clientId' | 'resource'>,
) => Promise<void>;

/** A user is asked for again after a sign-out, a change of network or a step up: more challenges than that are no resource's, a minute. */
export const MOST_CHALLENGES = 5;
const WINDOW_MS = 60_000;

/**
 * Every new text of a challenge is another token, had from the provider at once: neither a kept token nor a failure to get one holds it up.
 * So what a client may ask like this of one user at one resource is bounded, whatever the texts say. Where it cannot be counted the call
 * goes on: a rate protects, it does not authorize.
 */
export function createCountChallenge({ budgets, clock }: { budgets: Budgets; clock: Clock }): CountChallenge {
  return async (authorization) => {
    const spent = await budgets.spend(budgetOf(authorization)).catch(() => undefined);
    if (spent === undefined || spent.ok) return;
    const waitSeconds = Math.max(1, Math.ceil((spent.retryAt - clock()) / 1000));
    throw new Refusal('rate_limited', {
      description: 'claims has changed too often for this user and resource',
      headers: { 'Retry-After': String(waitSeconds) },
    });
  };
}

function budgetOf({ subject, clientId, resource }: Parameters<CountChallenge>[0]): Budget {
  const name = `challenges:${JSON.stringify([clientId, subjectKey(subject), resource])}`;
  return { name, limit: MOST_CHALLENGES, windowMs: WINDOW_MS };
}
