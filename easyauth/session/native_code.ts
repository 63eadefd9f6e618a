import { createHash } from 'node:crypto';
import { isRecord } from '../config/reader.js';
import type { Sealer } from '../crypto/seal.js';
import { decodeSession, encodeSession, type Session } from './session.js';

/** How long a native client has to redeem its code. */
const lifeMs = 300_000;

/** Codes for native clients: the session itself, sealed and bound to the client's challenge (RFC 7636). */
export interface NativeCodes {
  issue(session: Session, challenge: string): string;
  /** The session, when the code is young, unused and `verifier` is what the challenge was made of. */
  redeem(code: string, verifier: string): Promise<Session | undefined>;
}

export interface NativeCodeDeps {
  readonly sealer: Sealer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Whether a code, named by its hash (lower-case hexadecimal), is spent for the first time; has to be remembered until `until`.
   * May throw StoreUnavailableError.
   */
  readonly spend: (key: string, until: number) => Promise<boolean>;
}

/** Base64 of either alphabet in one spelling, so that clients of both habits are understood. */
export function plainBase64(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * Every gateway with the same keys can redeem a code, and one of them does it once: `spend` reaches as far as the token store is
 * shared.
 */
export function createNativeCodes({ sealer, now, spend }: NativeCodeDeps): NativeCodes {
  const context = (challenge: string) => `native ${plainBase64(challenge)}`;
  const held = (code: string, verifier: string): { session: Session; until: number } | undefined => {
    const challenge = createHash('sha256').update(verifier, 'utf8').digest('base64url');
    const text = sealer.open(Buffer.from(code, 'base64url'), context(challenge));
    const content: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isRecord(content) || typeof content.session !== 'string' || typeof content.until !== 'number')
      return undefined;
    const session = decodeSession(content.session);
    return session !== undefined && now() < content.until ? { session, until: content.until } : undefined;
  };
  return {
    issue: (session, challenge) => {
      const content = { session: encodeSession(session), until: now() + lifeMs };
      return sealer.seal(JSON.stringify(content), context(challenge)).toString('base64url');
    },
    redeem: async (code, verifier) => {
      // A space in a query is a plus sign that was not escaped: verifiers of the SDKs are standard Base64.
      const found = held(code, verifier) ?? held(code, verifier.replaceAll(' ', '+'));
      if (found === undefined) return undefined;
      // The bytes are the key: the same code can be spelled in several ways.
      const key = createHash('sha256').update(Buffer.from(code, 'base64url')).digest('hex');
      return (await spend(key, found.until)) ? found.session : undefined;
    },
  };
}
