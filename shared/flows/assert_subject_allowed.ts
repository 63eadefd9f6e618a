import { Refusal } from '../domain/errors.js';
import { type Membership, newest, subjectVerdict } from '../domain/membership.js';
import type { Held } from '../domain/narrowing.js';
import type { Subject } from '../domain/subject.js';
import { TOKEN_EXCHANGE } from '../grant_types/token_exchange.js';
import type { ClientPolicy } from '../policy.js';

export type AssertSubjectAllowed = (request: {
  readonly client: ClientPolicy;
  readonly held: Held;
  readonly grantType: string;
}) => Promise<void>;

export interface SubjectDeps {
  /** What is proven of the subject, as of a moment ago. */
  readonly membershipOf: (subject: Subject) => Promise<Membership | undefined>;
}

/**
 * Whether policy still lets this client act for this user. What the presented token says itself counts before what stands with the
 * connection; a client whose rule asks for neither groups nor roles costs no look-up.
 * @throws Refusal `invalid_grant`, or in an exchange `invalid_request` (RFC 8693 §2.2.2)
 */
export function createAssertSubjectAllowed({ membershipOf }: SubjectDeps): AssertSubjectAllowed {
  return async ({ client: { clientId, subjects }, held, grantType }) => {
    if (subjects === undefined) return;
    const asks = subjects.groups !== undefined || subjects.roles !== undefined;
    const known = asks ? await membershipOf(held.subject) : undefined;
    const verdict = subjectVerdict(subjects, held.subject, newest(held.membership, known));
    if (verdict.allowed) return;
    throw new Refusal(grantType === TOKEN_EXCHANGE ? 'invalid_request' : 'invalid_grant', {
      description: 'this client may not act for this user',
      reason: verdict.reason,
      rule: `policy/clients/${clientId}/subjects/${verdict.member}`,
    });
  };
}
