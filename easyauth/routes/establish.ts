import type { Incoming } from '../http/incoming.js';
import type { Principal } from '../identity/principal.js';
import type { SignedIn } from '../providers/provider.js';
import { setSessionCookies } from '../session/cookie.js';
import { type Session, startSession } from '../session/session.js';
import type { RouteContext } from './context.js';

const thirtyDaysMs = 720 * 3_600_000;

/** Who a session is for and what limits its life. */
export interface Holder {
  readonly user: string;
  readonly principal: Principal;
  /** When the provider's access token ends, where known. */
  readonly providerExpiresAt: number | undefined;
  /** When the ID token was issued. */
  readonly issuedAt?: number | undefined;
}

/** The holder a completed sign-in makes. */
export function holderOf({ user, principal, tokens, issuedAt }: SignedIn): Holder {
  return { user, principal, providerExpiresAt: tokens.expiresAt, issuedAt };
}

/** Stores the tokens of a sign-in. A refresh token that is already there outlives a sign-in that brings none (reference §14). */
export async function keepTokens({ vault, settings }: RouteContext, signedIn: SignedIn): Promise<void> {
  if (vault === undefined) return;
  const { user, tokens } = signedIn;
  const strict = settings.compat.strictAzureOverwrite === 'true';
  await vault.exclusive(user, async () => {
    const kept = (await vault.find(user))?.entries.get(tokens.provider)?.refreshToken;
    const refreshToken = tokens.refreshToken ?? (strict ? undefined : kept);
    await vault.put(user, { ...tokens, refreshToken });
  });
}

/** A new cookie session: its `Set-Cookie` values, and its id for the log. */
export function cookieFor(
  context: RouteContext,
  incoming: Incoming,
  holder: Holder,
): { readonly cookies: string[]; readonly sid: string } {
  const { settings, codec } = context;
  const session = startSession(settings.cookie, {
    user: holder.user,
    principal: holder.principal,
    now: context.now(),
    providerExpiresAt: holder.providerExpiresAt,
    countFrom: settings.compat.cookieLifetimeFrom === 'id-token' ? holder.issuedAt : undefined,
  });
  const { profile, cookies: sent } = incoming;
  const value = codec.seal(session);
  return {
    cookies: setSessionCookies({ value, expiresAt: session.expiresAt, profile, sent }),
    sid: session.sid,
  };
}

/** A session for a token: as long as the provider's access token, or 30 days where that end is not known (reference §4.1, §14). */
export function tokenSessionFor({ settings, now }: RouteContext, holder: Holder): Session {
  const at = now();
  const bound = settings.compat.sessionTokenLife === 'access-token' ? holder.providerExpiresAt : undefined;
  const expiresAt = bound ?? at + thirtyDaysMs;
  const fixed = { derivedFromProvider: true, lifetimeMs: thirtyDaysMs };
  const { user, principal } = holder;
  return startSession(fixed, { user, principal, now: at, providerExpiresAt: expiresAt });
}

/** `{"authenticationToken":…,"user":{"userId":"sid:…"}}` (reference §5.4). */
export async function tokenBody(
  { sessionTokens }: RouteContext,
  incoming: Incoming,
  session: Session,
): Promise<string> {
  const { token, sid } = await sessionTokens.issue(session, `${incoming.site.origin}/`);
  return JSON.stringify({ authenticationToken: token, user: { userId: sid } });
}
