import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AppTokenClaims, Clock, Tokens } from '../../ports.js';

const MOST = 10_000;
/** A key may be withdrawn: no signature is believed longer than this without looking again, ms. */
const BELIEVED_MS = 5 * 60_000;

/**
 * App tokens whose signature was checked before, by hash, within their life. A client presents the same token for an hour; checking it
 * once costs as much as twenty look-ups. Refusals are not remembered.
 */
export function withVerifiedTokens(tokens: Tokens, clock: Clock): Tokens {
  const known = new LRUCache<string, { claims: AppTokenClaims; until: number }>({ max: MOST });
  return {
    ...tokens,
    async verifyAppToken(token) {
      const key = hash('sha256', token, 'base64');
      const entry = known.get(key);
      if (entry && entry.until > clock()) return entry.claims;
      const claims = await tokens.verifyAppToken(token);
      known.set(key, { claims, until: Math.min(claims.expiresAt, clock() + BELIEVED_MS) });
      return claims;
    },
  };
}
