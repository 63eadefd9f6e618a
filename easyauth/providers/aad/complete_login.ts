import type { JWTPayload } from 'jose';
import { LoginProtocolError } from '../../errors.js';
import type { TokenAnswer } from '../openid/tokens.js';
import type { LoginReturn, SignedIn } from '../provider.js';
import type { AadContext } from './context.js';
import { principalOf, userKeyOf } from './identity.js';
import { checkCodeHash } from './verify.js';

async function redeemCode(aad: AadContext, payload: JWTPayload, answer: LoginReturn): Promise<TokenAnswer> {
  const code = answer.parameters.get('code');
  if (code === null || code === '') throw new LoginProtocolError('the code is missing');
  checkCodeHash(payload, code);
  const grant = { grant_type: 'authorization_code', code, redirect_uri: answer.redirectUri };
  const tokens = await aad.redeemGrant(grant);
  if (tokens.idToken === undefined) return tokens;
  const again = await aad.verify(tokens.idToken, [aad.settings.clientId]);
  if (again.iss !== payload.iss || again.sub !== payload.sub)
    throw new LoginProtocolError('the token endpoint names another user');
  return tokens;
}

/**
 * Finishes a sign-in: the posted ID token is checked first (signature, issuer, audience, times, nonce), then the code bound to it
 * is redeemed. Without a client secret only the ID token is kept (reference §5.1).
 * @throws LoginProtocolError, InvalidTokenError, ProviderError
 */
export async function completeLogin(aad: AadContext, answer: LoginReturn): Promise<SignedIn> {
  const idToken = answer.parameters.get('id_token');
  if (idToken === null) throw new LoginProtocolError('the ID token is missing');
  const payload = await aad.verify(idToken, [aad.settings.clientId]);
  const memory = answer.recall(payload.nonce);
  if (memory === undefined) throw new LoginProtocolError('the nonce is not one of this browser');
  const none = { idToken, accessToken: undefined, refreshToken: undefined, expiresIn: undefined };
  const tokens = aad.settings.credential === undefined ? none : await redeemCode(aad, payload, answer);
  return {
    user: userKeyOf(payload),
    principal: principalOf(payload, aad.claimStyle),
    tokens: aad.entryOf(payload, { ...tokens, idToken: tokens.idToken ?? idToken }, memory.scope),
    issuedAt: payload.iat === undefined ? undefined : payload.iat * 1000,
  };
}
