import { digest } from './digest.js';
import { isSubset, type Scope, scopeOf } from './scope.js';
import { type Subject, subjectKey } from './subject.js';

/** The stored delegation: subject lets client act at resource with scope until a time. All times in ms. */
export interface Grant {
  readonly grantId: string;
  readonly subject: Subject;
  readonly clientId: string;
  readonly resource: string;
  readonly scope: Scope;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly ended?: { readonly at: number; readonly by: GrantEndedBy };
}

/** `code_reused`: the authorization code it was made with was shown a second time (RFC 6749 §4.1.2). */
export type GrantEndedBy = 'subject' | 'client' | 'connection_ended' | 'code_reused';
export type GrantState = 'live' | 'ended' | 'expired';

export function grantState(grant: Grant, now: number): GrantState {
  if (grant.ended) return 'ended';
  return grant.expiresAt <= now ? 'expired' : 'live';
}

/** Those of one client at one resource that are live. */
export function liveGrantsTo(
  grants: readonly Grant[],
  { clientId, resource }: Pick<Grant, 'clientId' | 'resource'>,
  now: number,
): readonly Grant[] {
  return grants
    .filter((grant) => grant.clientId === clientId && grant.resource === resource)
    .filter((grant) => grantState(grant, now) === 'live');
}

/** Whether live grants to its own client still hold all of a token that was minted: it does not name the grant it came of. */
export function isStillGranted(
  token: Pick<Grant, 'clientId' | 'resource' | 'scope'>,
  grants: readonly Grant[],
  now: number,
): boolean {
  const live = liveGrantsTo(grants, token, now);
  return isSubset(token.scope, scopeOf(live.flatMap((grant) => grant.scope)));
}

const GRANT_ID = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/;

/** A grant id names its partition, so it is found by one point read; the second half is 128 random bits. */
export function newGrantId(subject: Subject, random: Uint8Array): string {
  return `${subjectKey(subject)}.${Buffer.from(random.subarray(0, 16)).toString('base64url')}`;
}

/** The storage keys of a grant id, or undefined for a text that cannot be one. */
export function grantKeys(grantId: string): { partition: string; row: string } | undefined {
  const match = GRANT_ID.exec(grantId);
  if (!match?.[1]) return undefined;
  return { partition: match[1], row: digest('grant', grantId) };
}
