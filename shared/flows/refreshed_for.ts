import type { Target } from '../domain/connection.js';
import { type Grant, grantState } from '../domain/grant.js';
import { isSubset } from '../domain/scope.js';
import type { Clock, GrantStore } from '../ports.js';
import type { RefreshRequest } from './refresh_connection.js';

export interface RefreshedForDeps {
  readonly grants: Pick<GrantStore, 'ofSubject'>;
  readonly clock: Clock;
}

/** A row has room for so many columns, and who reads it for so many names. */
const MOST_CLIENTS = 20;

/**
 * Ids of the clients that a refresh is for: the one that asked, or else those whose live grants the token serves, in order and at most
 * {@link MOST_CLIENTS}. Never rejects: that it could not be told must not cost the row that would have told it.
 */
export async function refreshedFor(
  { grants, clock }: RefreshedForDeps,
  { subject, target, clientId }: Pick<RefreshRequest, 'subject' | 'target' | 'clientId'>,
): Promise<readonly string[]> {
  if (clientId !== undefined) return [clientId];
  try {
    const given = (await grants.ofSubject(subject)).map(({ value }) => value);
    const served = given.filter((grant) => grantState(grant, clock()) === 'live' && isServed(grant, target));
    return [...new Set(served.map((grant) => grant.clientId))].sort().slice(0, MOST_CLIENTS);
  } catch {
    return [];
  }
}

/** The bare credential serves them all. */
function isServed(grant: Grant, { resource, scope }: Target): boolean {
  return resource === undefined || (grant.resource === resource && isSubset(scope, grant.scope));
}
