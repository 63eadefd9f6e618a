import type { Core } from '../core.js';
import type { App, User } from '../directory/types.js';
import type { ClaimsRequest } from './claims_request.js';
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

/**
 * Refuses a token for a sign-in without the second factor that the user's account, or a claims challenge, asks for.
 * @throws EntraError mfaOnRefresh, or the refusal named, with the challenge to answer
 */
export function checkFactors(
  core: Core,
  { oid, mfa }: Pick<Issued, 'oid' | 'mfa'>,
  at: { resource: App; asked: ClaimsRequest | undefined; refusal?: 'mfaOnRefresh' | 'mfaInteraction' },
): void {
  const { resource, asked, refusal = 'mfaOnRefresh' } = at;
  const details = { resource: resource.app_id };
  if (needsMfa(core, oid, mfa)) throw new EntraError(refusal, details, mfaChallenge(resource));
  if (asked?.mfa && !mfa) throw new EntraError(refusal, details, asked.challenge);
}

/** The claims challenge a client passes on to authorize, naming the policy of that resource. */
export function mfaChallenge(resource: App): string {
  return JSON.stringify({ access_token: { capolids: { essential: true, values: [resource.app_id] } } });
}
