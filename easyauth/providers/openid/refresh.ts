import { ProviderError } from '../../errors.js';
import type { Principal } from '../../identity/principal.js';
import type { Refreshed, RefreshRequest } from '../provider.js';
import type { RelyingParty } from './relying_party.js';

interface RefreshOptions {
  readonly clientId: string;
  /** Whether a refresh that brings no refresh token drops the old one (reference §14, `strictAzureOverwrite`). */
  readonly strictOverwrite: boolean;
}

/**
 * Redeems a refresh token (RFC 6749 §6, OpenID Connect Core §12.2). An ID token that comes back must be of the same user; without
 * one the identity stays as it was.
 * @throws ProviderError, InvalidTokenError
 */
export async function refreshTokens(
  party: RelyingParty,
  { entry, refreshToken, user }: RefreshRequest,
  { clientId, strictOverwrite }: RefreshOptions,
): Promise<Refreshed> {
  const answer = await party.redeemGrant({ grant_type: 'refresh_token', refresh_token: refreshToken });
  const successor = answer.refreshToken ?? (strictOverwrite ? undefined : refreshToken);
  let principal: Principal | undefined;
  if (answer.idToken !== undefined) {
    const payload = await party.verify(answer.idToken, [clientId]);
    if (party.userOf(payload) !== user)
      throw new ProviderError('rejected', 'the refresh brought another user');
    principal = party.signedIn({ payload, answer, scope: entry.scope }).principal;
  }
  return {
    principal,
    tokens: {
      ...entry,
      claims: principal?.claims ?? entry.claims,
      idToken: answer.idToken ?? entry.idToken,
      accessToken: answer.accessToken,
      refreshToken: successor,
      expiresAt: party.endOf(answer.expiresIn),
    },
  };
}
