import { type Grant, grantState } from '../domain/grant.js';
import type { Held } from '../domain/narrowing.js';
import type { ClientPolicy } from '../policy.js';
import type { Clock, GrantStore } from '../ports.js';

export type HeldGrant =
  | { readonly ok: true; readonly held: Held }
  | { readonly ok: false; readonly reason: string };

/**
 * What a presented grant id holds for this client. Unknown, foreign, ended and expired ids are one answer outward: only the reason,
 * for the audit, tells them apart.
 */
export async function heldByGrantId(
  deps: { grants: GrantStore; clock: Clock },
  grantId: string,
  client: ClientPolicy,
): Promise<HeldGrant> {
  const found = await deps.grants.find(grantId);
  if (!found) return { ok: false, reason: 'unknown grant' };
  const grant = found.value;
  if (grant.clientId !== client.clientId) return { ok: false, reason: 'grant of another client' };
  const state = grantState(grant, deps.clock());
  return state === 'live' ? { ok: true, held: heldOf(grant) } : { ok: false, reason: `grant ${state}` };
}

function heldOf({ subject, resource, scope, expiresAt, grantId }: Grant): Held {
  return { subject, resource, scope, expiresAt, grantId };
}
