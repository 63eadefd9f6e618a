import type { AadSettings } from '../../config/settings.js';
import { claimType } from '../../identity/claim_types.js';
import { claimValues, type Principal } from '../../identity/principal.js';

function overlaps(allowed: readonly string[], held: readonly string[]): boolean {
  const wanted = new Set(allowed.map((item) => item.toLowerCase()));
  return held.some((item) => wanted.has(item.toLowerCase()));
}

/** An empty list restricts nothing. */
function permits(allowed: readonly string[], held: readonly string[]): boolean {
  return allowed.length === 0 || overlaps(allowed, held);
}

function principalPermitted(aad: AadSettings, principal: Principal, groups: readonly string[]): boolean {
  const { allowedIdentities: identities, allowedPrincipalGroups } = aad;
  if (identities.length === 0 && allowedPrincipalGroups.length === 0) return true;
  return (
    overlaps(identities, claimValues(principal, claimType.objectId)) ||
    overlaps(allowedPrincipalGroups, groups)
  );
}

/**
 * The built-in authorization policy (reference §7.3): every configured member must agree. A session counts as a call of our own
 * app registration, so that interactive sign-in works under the portal's default policy.
 */
export function admits(aad: AadSettings, principal: Principal, via: 'session' | 'bearer'): boolean {
  const named = [...claimValues(principal, 'appid'), ...claimValues(principal, 'azp')];
  const apps = via === 'session' ? [aad.clientId] : named;
  const groups = claimValues(principal, 'groups');
  return (
    permits(aad.allowedApplications, apps) &&
    permits(aad.allowedClientApplications, apps) &&
    permits(aad.allowedGroups, groups) &&
    principalPermitted(aad, principal, groups)
  );
}
