import { Refusal } from '../../domain/errors.js';
import type { Membership } from '../../domain/membership.js';
import type { Held } from '../../domain/narrowing.js';
import { formatScope, type Scope } from '../../domain/scope.js';
import { createDecideToken } from '../../flows/decide_token.js';
import { type ExpectedToken, expectedToken } from '../../flows/expected_token.js';
import type { Policy } from '../../policy.js';

/** A token request whose client has proven who it is and whose authority is known. */
export interface Question {
  readonly clientId: string;
  readonly grantType: string;
  readonly resource: string;
  /** Undefined asks for all that is held. */
  readonly scope: Scope | undefined;
  readonly held: Held;
  readonly membership: Membership | undefined;
  /** ms */
  readonly at: number;
}

export type Outcome =
  | { readonly allowed: true; readonly decidedBy: string; readonly token: ExpectedToken }
  | { readonly allowed: false; readonly decidedBy: string; readonly error: string; readonly reason: string };

/** What the token endpoint's own decision makes of the question under this policy. */
export async function outcomeOf(policy: Policy, question: Question): Promise<Outcome> {
  const client = policy.clients.get(question.clientId);
  if (!client) {
    return refused({
      error: 'invalid_client',
      reason: 'there is no such client',
      decidedBy: 'policy/clients',
    });
  }
  const decide = createDecideToken({ policy, membershipOf: async () => question.membership });
  try {
    const authorization = await decide({ ...question, client });
    const token = expectedToken(policy, authorization, question.at);
    const decidedBy = `policy/clients/${question.clientId}/resources/${question.resource}`;
    return { allowed: true, decidedBy, token };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refused({ error: error.code, reason: error.reason, decidedBy: error.rule ?? 'policy' });
  }
}

function refused(why: { error: string; reason: string; decidedBy: string }): Outcome {
  return { allowed: false, ...why };
}

/** One line, the same for the same outcome. */
export function outcomeText(outcome: Outcome): string {
  if (!outcome.allowed) return `refused ${outcome.error} by ${outcome.decidedBy}`;
  const { token } = outcome;
  return `issued ${formatScope(token.scope)} (${tokenText(token)})`;
}

export function tokenText({ narrowing, seconds, mayBeWider }: ExpectedToken): string {
  const lifetime = seconds === undefined ? [] : [`${seconds} s`];
  return [narrowing, ...lifetime, ...(mayBeWider ? ['may be wider than asked'] : [])].join(', ');
}
