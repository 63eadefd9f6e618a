import { Ajv } from 'ajv';
import type { Personality } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import { issuedNow } from './grants.js';
import type { Kit } from './kit.js';
import type { Account } from './people.js';

const SESSION_SECONDS = 24 * 3600;

type Session = Readonly<{ oid: string; issued: number; mfa: boolean }>;

/** Who signed in at a provider, when (ms), and whether with a second factor. */
export type SignIn = Readonly<{ account: Account; authTime: number; mfa: boolean }>;

const isSession = new Ajv().compile<Session>({
  type: 'object',
  required: ['oid', 'issued', 'mfa'],
  properties: { oid: { type: 'string' }, issued: { type: 'number' }, mfa: { type: 'boolean' } },
});

/** Whether a user may sign in, or stay signed in, at all. */
export function maySignIn({ core }: Kit, { user }: Account): boolean {
  return core.store.knobs(user.oid).deleted !== true;
}

/** A fresh sign-in. While the admin asks for a second factor, every sign-in has one. */
export function newSignIn(kit: Kit, account: Account): SignIn {
  const { oid } = account.user;
  return {
    account,
    authTime: issuedNow(kit, oid),
    mfa: kit.core.store.knobs(oid).mfa !== undefined,
  };
}

/** The browser's sign-in at a provider, if it is younger than a day and not revoked since. */
export function readSession(kit: Kit, personality: Personality, incoming: Incoming): SignIn | undefined {
  const blob = incoming.cookies.get(`idp_${personality}`) ?? '';
  const session = kit.core.sealer.open(`social:${personality}:session`, blob);
  if (!isSession(session)) return undefined;
  const account = kit.people.byOid(session.oid);
  const { revokedAt, mfa } = kit.core.store.knobs(session.oid);
  const tooOld = kit.core.now() - session.issued > SESSION_SECONDS * 1000;
  const over = tooOld || (revokedAt !== undefined && session.issued <= revokedAt);
  if (account === undefined || over || !maySignIn(kit, account)) return undefined;
  if (mfa === 'required' && !session.mfa) return undefined;
  return { account, authTime: session.issued, mfa: session.mfa };
}

function cookie({ core }: Kit, personality: Personality, value: string): string {
  const secure = core.baseUrl.startsWith('https:') ? '; Secure' : '';
  return `idp_${personality}=${value}; Path=/${personality}; HttpOnly; SameSite=Lax${secure}`;
}

/** Set-Cookie value that remembers a sign-in until the browser closes. */
export function sessionCookie(
  kit: Kit,
  personality: Personality,
  { account, authTime, mfa }: SignIn,
): string {
  const session: Session = { oid: account.user.oid, issued: authTime, mfa };
  return cookie(kit, personality, kit.core.sealer.seal(`social:${personality}:session`, session));
}

/** Set-Cookie value that forgets the sign-in. */
export function clearedSession(kit: Kit, personality: Personality): string {
  return `${cookie(kit, personality, '')}; Max-Age=0`;
}
