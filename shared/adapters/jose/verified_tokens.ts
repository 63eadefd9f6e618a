import type { AppTokenClaims, ClientAssertions, Clock, Tokens } from '../../ports.js';
import { createBelieved } from './believed.js';

/** App tokens are checked once: a client presents the same one for an hour, and checking it costs as much as twenty look-ups. */
export function withVerifiedTokens(tokens: Tokens, clock: Clock): Tokens {
  const believed = createBelieved<AppTokenClaims>(clock);
  return {
    ...tokens,
    async verifyAppToken(token) {
      const known = believed.get(token);
      if (known) return known;
      const claims = await tokens.verifyAppToken(token);
      believed.set(token, claims, claims.expiresAt);
      return claims;
    },
  };
}

/** Assertions that policy lets a client show more than once are checked once. All others are seen once, and not worth remembering. */
export function withVerifiedAssertions(assertions: ClientAssertions, clock: Clock): ClientAssertions {
  const believed = createBelieved<{ clientId: string; id: string; expiresAt: number; reusable: boolean }>(
    clock,
  );
  return {
    clientOf: (token) => believed.get(token)?.clientId ?? assertions.clientOf(token),
    async verify(clientId, token) {
      const known = believed.get(token);
      if (known?.clientId === clientId) return known;
      const verified = await assertions.verify(clientId, token);
      if (verified.reusable) believed.set(token, { clientId, ...verified }, verified.expiresAt);
      return verified;
    },
  };
}
