import { budgetsOf } from '../domain/client_limits.js';
import { grantDead, Refusal, Unreadable } from '../domain/errors.js';
import type { Subject } from '../domain/subject.js';
import type { ClientPolicy } from '../policy.js';
import type { Budgets, Clock, Log, Spend } from '../ports.js';

export type AssertWithinLimits = (request: {
  readonly client: ClientPolicy;
  readonly grantType: string;
  readonly subject: Subject;
}) => Promise<void>;

interface Deps {
  readonly budgets: Budgets;
  /** Whether the subject's connection lives, as of a moment ago. */
  readonly isActive: (subject: Subject) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/** While the counting is out of order the log says so this often, ms. */
const COMPLAIN_MS = 60_000;

/**
 * Spends one request of the client's allowance for this grant type. It is asked last, when all else is granted: what is refused for
 * another reason costs nothing and is never hidden behind "too many". For the same reason a client over its limit is still told that a
 * connection has ended, since waiting would not mend that.
 *
 * When the allowance cannot be counted the request goes on: a rate protects, it does not authorize, and the token that follows needs
 * storage for its record anyway.
 * @throws Refusal `rate_limited` with `Retry-After`, or `invalid_grant`
 */
export function createAssertWithinLimits(deps: Deps): AssertWithinLimits {
  let complainedAt = Number.NEGATIVE_INFINITY;
  const spend = async (budget: Parameters<Budgets['spend']>[0]): Promise<Spend> => {
    try {
      return await deps.budgets.spend(budget);
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Unreadable)) throw error;
      const now = deps.clock();
      if (now - complainedAt >= COMPLAIN_MS) {
        complainedAt = now;
        deps.log.warn('rate limits cannot be counted, requests go on', { budget: budget.name });
      }
      return { ok: true };
    }
  };
  return async ({ client, grantType, subject }) => {
    if (client.limits === undefined) return;
    for (const budget of budgetsOf(client.clientId, client.limits, grantType)) {
      const spent = await spend(budget);
      if (spent.ok) continue;
      if (!(await deps.isActive(subject))) throw grantDead();
      throw tooMany((spent.retryAt - deps.clock()) / 1000);
    }
  };
}

function tooMany(waitSeconds: number): Refusal {
  return new Refusal('rate_limited', {
    description: 'this client has asked for too many tokens with this grant type',
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(waitSeconds))) },
  });
}
