import type { Core } from '../../core.js';
import type { Incoming } from '../../http/incoming.js';
import { openSession, type SessionGrant } from '../sealed_grants.js';

const COOKIE = 'idp_session';
const SESSION_SECONDS = 24 * 3600;

function attributes(core: Core): string {
  return `Path=/; HttpOnly; SameSite=Lax${core.baseUrl.startsWith('https:') ? '; Secure' : ''}`;
}

/** The browser's sign-in, if it is younger than a day and was not revoked since. */
export function readSession(core: Core, incoming: Incoming): SessionGrant | undefined {
  const session = openSession(core, incoming.cookies.get(COOKIE));
  if (session === undefined || core.now() - session.issued > SESSION_SECONDS * 1000) return undefined;
  const { revokedAt } = core.store.knobs(session.oid);
  return revokedAt !== undefined && session.issued <= revokedAt ? undefined : session;
}

/** Set-Cookie value that remembers a sign-in until the browser closes. */
export function sessionCookie(core: Core, { oid, tid, sid, authTime, mfa, issued }: SessionGrant): string {
  const sealed = core.sealer.seal('session', { oid, tid, sid, authTime, mfa, issued });
  return `${COOKIE}=${sealed}; ${attributes(core)}`;
}

/** Set-Cookie value that forgets the sign-in. */
export function clearedSessionCookie(core: Core): string {
  return `${COOKIE}=; ${attributes(core)}; Max-Age=0`;
}
