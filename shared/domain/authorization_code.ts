import { createHash } from 'node:crypto';
import { digest } from './digest.js';

/** What an authorization code (RFC 6749 §4.1) stands for and is bound to. Times in ms. */
export interface AuthorizationCode {
  readonly clientId: string;
  readonly redirectUri: string;
  /** S256 (RFC 7636 §4.2). */
  readonly challenge: string;
  readonly resource: string;
  /** Made when the user agreed; ended when the code is shown twice. */
  readonly grantId: string;
  readonly expiresAt: number;
  /** Thumbprint of the key that the exchange must prove (RFC 9449 §10). */
  readonly jkt?: string;
  /** When it was spent. */
  readonly usedAt?: number;
  /** Which showing spent it, while the token of that showing is not on record: until then it has not left, and nobody has used the code. */
  readonly openUse?: string;
}

/** A code is on its way through a browser, once: no longer than that takes, ms. */
export const CODE_LIFE_MS = 60_000;

const DAY = 86_400_000;
const CODE = /^(\d{6})\.([A-Za-z0-9_-]{43})$/;

/** A code names the day of its partition, so that it is found by one point read; the second half is 256 random bits. */
export function newCode(expiresAt: number, random: Uint8Array): string {
  const day = String(Math.floor(expiresAt / DAY)).padStart(6, '0');
  return `${day}.${Buffer.from(random.subarray(0, 32)).toString('base64url')}`;
}

/** The storage keys of a code, or undefined for a text that cannot be one. */
export function codeKeys(code: string): { partition: string; row: string } | undefined {
  const day = CODE.exec(code)?.[1];
  return day === undefined ? undefined : { partition: `code-${day}`, row: digest('code', code) };
}

/** The first partition that is still wanted: a spent code is remembered for a day, so that a second showing is known for one. */
export function firstCodePartition(now: number): string {
  return `code-${String(Math.floor(now / DAY) - 1).padStart(6, '0')}`;
}

/** True for what SHA-256 in base64url looks like: an S256 challenge, a key's thumbprint. */
export function isSha256(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** RFC 7636 §4.6, for S256. */
export function answersChallenge(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  return createHash('sha256').update(verifier).digest('base64url') === challenge;
}
