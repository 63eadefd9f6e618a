import { InvalidTokenError } from '../../errors.js';
import { optionalSeconds, optionalToken, requiredToken } from '../body_member.js';
import type { SignedIn } from '../provider.js';
import type { AadContext } from './context.js';
import { principalOf, userKeyOf } from './identity.js';
import { admits } from './policy.js';

/**
 * Client-directed sign-in (reference §5.4). The access token must be one for this app, as a bearer token would have to be; an ID
 * token beside it must be of the same user and then tells who it is.
 * @throws BadRequestError, InvalidTokenError, ProviderError
 */
export async function acceptTokens(
  aad: AadContext,
  body: Readonly<Record<string, unknown>>,
): Promise<SignedIn> {
  const accessToken = requiredToken(body, 'access_token');
  const idToken = optionalToken(body, 'id_token');
  const refreshToken = optionalToken(body, 'refresh_token');
  const expiresIn = optionalSeconds(body, 'expires_in');
  const { settings, claimStyle } = aad;
  const payload = await aad.verify(accessToken, [settings.clientId, ...settings.allowedAudiences]);
  if (settings.requireServicePrincipal && typeof payload.oid !== 'string')
    throw new InvalidTokenError('the token has no object id');
  if (!admits(settings, principalOf(payload, claimStyle), 'bearer'))
    throw new InvalidTokenError('the policy does not admit the application of this token');
  const user = userKeyOf(payload);
  const named = idToken === undefined ? payload : await aad.verify(idToken, [settings.clientId]);
  if (userKeyOf(named) !== user) throw new InvalidTokenError('the two tokens are of different users');
  const ends = (payload.exp ?? 0) * 1000;
  const said = aad.endOf(expiresIn) ?? ends;
  const answer = { idToken, accessToken, refreshToken, expiresIn: undefined };
  return {
    user,
    principal: principalOf(named, claimStyle),
    tokens: { ...aad.entryOf(named, answer, undefined), expiresAt: Math.min(said, ends) },
    issuedAt: payload.iat === undefined ? undefined : payload.iat * 1000,
  };
}
