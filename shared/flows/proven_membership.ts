import type { ProvenMembership } from '../domain/membership.js';
import type { Subject } from '../domain/subject.js';
import type { Tokens } from '../ports.js';

/** The member of a connection that says what its newest ID token proves; absent where there was none, so that what stood there stays. */
export function provenMembership(
  tokens: Tokens,
  subject: Subject,
  from: { readonly idToken?: string; readonly now: number },
): { readonly membership?: ProvenMembership } {
  const said = from.idToken === undefined ? undefined : tokens.membershipOf(subject.provider, from.idToken);
  return said === undefined ? {} : { membership: { ...said, provenAt: from.now } };
}
