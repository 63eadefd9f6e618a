import { ProviderError } from '../../errors.js';
import type { Refreshed, RefreshRequest } from '../provider.js';
import type { AadContext } from './context.js';
import { principalOf, userKeyOf } from './identity.js';
import { scopeOf } from './login.js';

/**
 * Redeems the refresh token (RFC 6749 §6). An ID token that comes back must be of the same user; without one the identity stays
 * as it was. The old refresh token is kept when no new one comes.
 * @throws ProviderError, InvalidTokenError
 */
export async function refresh(aad: AadContext, request: RefreshRequest): Promise<Refreshed> {
  const { entry, refreshToken, user } = request;
  const scope = entry.scope ?? scopeOf(aad.settings, undefined);
  const answer = await aad.redeemGrant({ grant_type: 'refresh_token', refresh_token: refreshToken, scope });
  const kept = aad.strictOverwrite ? undefined : refreshToken;
  const next = { ...answer, refreshToken: answer.refreshToken ?? kept };
  if (answer.idToken === undefined) {
    const { accessToken, refreshToken: successor } = next;
    const tokens = { ...entry, accessToken, refreshToken: successor, expiresAt: aad.endOf(answer.expiresIn) };
    return { principal: undefined, tokens };
  }
  const payload = await aad.verify(answer.idToken, [aad.settings.clientId]);
  if (userKeyOf(payload) !== user) throw new ProviderError('rejected', 'the refresh brought another user');
  return {
    principal: principalOf(payload, aad.claimStyle),
    tokens: aad.entryOf(payload, next, entry.scope),
  };
}
