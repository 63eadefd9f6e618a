import type { Core } from '../core.js';
import type { App, User } from '../directory/types.js';
import { EntraError } from './errors.js';

type Issued = Readonly<{ oid: string; tid: string; issued: number; mfa: boolean }>;

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * The user of a grant, if that user may still use what was issued then.
 * @throws EntraError userUnknown, userDeleted, revoked or userDisabled
 */
export function usableUser(core: Core, { oid, tid, issued }: Omit<Issued, 'mfa'>): User {
  const user = core.directory.userByOid(oid);
  if (user === undefined || user.tid !== tid) throw new EntraError('userUnknown', { user: oid, tenant: tid });
  const { deleted, disabled, revokedAt } = core.store.knobs(oid);
  if (deleted) throw new EntraError('userDeleted', { user: oid, tenant: tid });
  if (revokedAt !== undefined && issued <= revokedAt) {
    throw new EntraError('revoked', { issued: iso(issued), validFrom: iso(revokedAt) });
  }
  if (disabled) throw new EntraError('userDisabled');
  return user;
}

/** Whether the user must still pass a second factor, given that the sign-in had one or not. */
export function needsMfa(core: Core, oid: string, mfa: boolean): boolean {
  return core.store.knobs(oid).mfa === 'required' && !mfa;
}

/** The claims challenge a client passes on to authorize, naming the policy of that resource. */
export function mfaChallenge(resource: App): string {
  return JSON.stringify({ access_token: { capolids: { essential: true, values: [resource.app_id] } } });
}
