import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isRecord } from '../config/reader.js';
import type { Sealer } from '../crypto/seal.js';
import { decodeSession, encodeSession, type Session } from './session.js';

/** How long a native client has to redeem its code. */
const lifeMs = 300_000;

/** Codes for native clients: the session itself, sealed and bound to the client's challenge (RFC 7636). */
export interface NativeCodes {
  issue(session: Session, challenge: string): string;
  /** The session, when the code is young, unused and `verifier` is what the challenge was made of. */
  redeem(code: string, verifier: string): Session | undefined;
}

/** Base64 of either alphabet in one spelling, so that clients of both habits are understood. */
export function plainBase64(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * Every gateway with the same keys can redeem a code. That it is used once is known to the process that redeemed it; elsewhere the
 * verifier alone protects it.
 */
export function createNativeCodes(sealer: Sealer, now: () => number): NativeCodes {
  const spent = new LRUCache<string, true>({ max: 10_000 });
  const context = (challenge: string) => `native ${plainBase64(challenge)}`;
  const held = (code: string, verifier: string): Session | undefined => {
    const challenge = createHash('sha256').update(verifier, 'utf8').digest('base64url');
    const text = sealer.open(Buffer.from(code, 'base64url'), context(challenge));
    const content: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isRecord(content) || typeof content.session !== 'string' || typeof content.until !== 'number')
      return undefined;
    return now() < content.until ? decodeSession(content.session) : undefined;
  };
  return {
    issue: (session, challenge) => {
      const content = { session: encodeSession(session), until: now() + lifeMs };
      return sealer.seal(JSON.stringify(content), context(challenge)).toString('base64url');
    },
    redeem: (code, verifier) => {
      // The bytes are the key: the same code can be spelled in several ways.
      const key = createHash('sha256').update(Buffer.from(code, 'base64url')).digest('base64');
      // A space in a query is a plus sign that was not escaped: verifiers of the SDKs are standard Base64.
      const session = held(code, verifier) ?? held(code, verifier.replaceAll(' ', '+'));
      if (session === undefined || spent.has(key)) return undefined;
      spent.set(key, true);
      return session;
    },
  };
}
