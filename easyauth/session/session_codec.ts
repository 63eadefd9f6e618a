import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Sealer } from '../crypto/seal.js';
import { decodeSession, encodeSession, type Session } from './session.js';

/** Turns sessions into cookie values and back. */
export interface SessionCodec {
  seal(session: Session): string;
  /** The session in a cookie value, expired or not; undefined when the value is not ours or was altered. */
  open(value: string): Session | undefined;
}

const longest = 40_000;

/**
 * Opened sessions are remembered by the hash of their cookie, about `memory` bytes of them, so that a busy session costs one
 * hash a request and no decryption.
 */
export function createSessionCodec(sealer: Sealer, memory = 64_000_000): SessionCodec {
  const opened = new LRUCache<string, Session>({
    maxSize: memory,
    sizeCalculation: (_session, key) => key.length + 4_000,
  });
  const keyOf = (value: string) => hash('sha256', value, 'base64');
  return {
    seal: (session) => sealer.seal(encodeSession(session)).toString('base64url'),
    open: (value) => {
      if (value.length > longest) return undefined;
      const key = keyOf(value);
      const known = opened.get(key);
      if (known !== undefined) return known;
      const text = sealer.open(Buffer.from(value, 'base64url'));
      const session = text === undefined ? undefined : decodeSession(text);
      if (session !== undefined) opened.set(key, session);
      return session;
    },
  };
}
