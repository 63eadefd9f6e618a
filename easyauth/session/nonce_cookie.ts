import { randomBytes } from 'node:crypto';
import { isRecord } from '../config/reader.js';
import type { Sealer } from '../crypto/seal.js';
import type { LoginMemory } from '../providers/provider.js';

/** How a popup hands its result to the page that opened it (reference §5.1). */
export interface Completion {
  readonly type: 'postMessage' | 'iframe';
  /** The only origin that may read the result. */
  readonly origin: string;
}

/** A sign-in that ends with a session token instead of a cookie (`session_mode=token`). */
export interface TokenMode {
  /** SHA-256 of the client's verifier, Base64: the result is then a code for that client (native PKCE). */
  readonly challenge?: string | undefined;
  readonly completion?: Completion | undefined;
}

/** One sign-in under way in a browser. */
export interface Pending extends LoginMemory {
  /** The nonce, or what the provider brings back in its place. */
  readonly nonce: string;
  readonly at: number;
  /** The alias of the provider: an answer of another one cannot use it. */
  readonly provider: string;
  /** Absent for an ordinary sign-in, which ends with a cookie. */
  readonly tokenMode?: TokenMode | undefined;
}

const most = 4;
/** Browsers keep cookies of 4 KB. */
const longest = 3_800;

/** 32 hexadecimal digits, `_` and the UTC time, as Easy Auth writes it (reference §5.1). */
export function createNonce(now: number): string {
  const time = new Date(now).toISOString().replace(/\D/g, '').slice(0, 14);
  return `${randomBytes(16).toString('hex')}_${time}`;
}

/** The sign-ins a browser has under way, in its sealed `Nonce` cookie: a few, so that several tabs can sign in at once. */
export interface PendingLogins {
  /** Whether a sign-in at this provider is under way. */
  has(provider: string): boolean;
  find(provider: string, nonce: unknown): Pending | undefined;
  /** The cookie value with one more sign-in; the oldest fall out. */
  with(pending: Pending): string;
  /** The cookie value without a sign-in that is over; undefined when none is left. */
  without(nonce: string): string | undefined;
}

function decode(text: string): Pending[] {
  const document: unknown = JSON.parse(text);
  if (!isRecord(document) || document.v !== 2 || !Array.isArray(document.items)) return [];
  // Sealed by us, so the items are what `with` wrote in this version.
  return document.items as Pending[];
}

/** Reads the cookie; anything that is not ours counts as none. */
export function readPendingLogins(sealer: Sealer, cookie: string | undefined): PendingLogins {
  const text = cookie === undefined ? undefined : sealer.open(Buffer.from(cookie, 'base64url'));
  const pending = text === undefined ? [] : decode(text);
  const seal = (items: readonly Pending[]): string => {
    const value = sealer.seal(JSON.stringify({ v: 2, items })).toString('base64url');
    return value.length > longest && items.length > 1 ? seal(items.slice(1)) : value;
  };
  return {
    has: (provider) => pending.some((item) => item.provider === provider),
    find: (provider, nonce) => pending.find((item) => item.provider === provider && item.nonce === nonce),
    with: (item) => seal([...pending, item].slice(-most)),
    without: (nonce) => {
      const rest = pending.filter((item) => item.nonce !== nonce);
      return rest.length === 0 ? undefined : seal(rest);
    },
  };
}
