import { randomBytes } from 'node:crypto';
import type { CookieSettings } from '../config/settings.js';
import type { Claim, Principal } from '../identity/principal.js';

/** A signed-in browser. Times are milliseconds since 1970. */
export interface Session {
  /** Random, for logs: names the session without naming the user. */
  readonly sid: string;
  /** Key of the user in the token store: lower-case hexadecimal. */
  readonly user: string;
  readonly principal: Principal;
  readonly signedInAt: number;
  readonly expiresAt: number;
}

interface SessionStart {
  readonly user: string;
  readonly principal: Principal;
  readonly now: number;
  /** When the provider's own credential ends, for `IdentityProviderDerived`. */
  readonly providerExpiresAt: number | undefined;
  /** Where the fixed lifetime counts from, when it is not now. */
  readonly countFrom?: number | undefined;
}

/** A new session: 8 hours by default, or as long as the provider's credential when the cookie convention says so. */
export function startSession(cookie: CookieSettings, start: SessionStart): Session {
  const fixed = (start.countFrom ?? start.now) + cookie.lifetimeMs;
  const derived = cookie.derivedFromProvider ? start.providerExpiresAt : undefined;
  return {
    sid: randomBytes(16).toString('hex'),
    user: start.user,
    principal: start.principal,
    signedInAt: start.now,
    expiresAt: derived ?? fixed,
  };
}

/** Whether the session still counts at `now`, `graceMs` after its end included. */
export function isLive(session: Session, now: number, graceMs = 0): boolean {
  return now < session.expiresAt + graceMs;
}

export function encodeSession(session: Session): string {
  const { principal } = session;
  return JSON.stringify({
    v: 1,
    s: session.sid,
    u: session.user,
    p: principal.provider,
    i: principal.id,
    n: principal.name,
    nt: principal.nameType,
    rt: principal.roleType,
    c: principal.claims.map((claim) => [claim.typ, claim.val]),
    at: session.signedInAt,
    x: session.expiresAt,
  });
}

function claimsOf(value: unknown): Claim[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const claims: Claim[] = [];
  for (const pair of value) {
    const [typ, val]: unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof typ !== 'string' || typeof val !== 'string') return undefined;
    claims.push({ typ, val });
  }
  return claims;
}

function principalOf(raw: Record<string, unknown>): Principal | undefined {
  const { p: provider, i: id, n: name, nt: nameType, rt: roleType } = raw;
  const claims = claimsOf(raw.c);
  if (typeof provider !== 'string' || typeof id !== 'string' || claims === undefined) return undefined;
  if (typeof nameType !== 'string' || typeof roleType !== 'string') return undefined;
  if (name !== undefined && typeof name !== 'string') return undefined;
  return { provider, id, name, nameType, roleType, claims };
}

/** Reads what `encodeSession` wrote; undefined for any other text, later versions included. */
export function decodeSession(text: string): Session | undefined {
  const raw: Record<string, unknown> = JSON.parse(text);
  if (raw.v !== 1) return undefined;
  const principal = principalOf(raw);
  const { s: sid, u: user, at: signedInAt, x: expiresAt } = raw;
  if (principal === undefined || typeof sid !== 'string' || typeof user !== 'string') return undefined;
  if (typeof signedInAt !== 'number' || typeof expiresAt !== 'number') return undefined;
  return { sid, user, principal, signedInAt, expiresAt };
}
