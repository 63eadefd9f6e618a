import type { JWTPayload } from 'jose';
import type { GoogleSettings } from '../../config/provider_settings.js';
import { BadRequestError, InvalidTokenError, ProviderError } from '../../errors.js';
import { optionalToken, requiredToken } from '../body_member.js';
import type { ProviderDeps } from '../deps.js';
import { openidPrincipal } from '../openid/identity.js';
import { createMetadata } from '../openid/metadata.js';
import { refreshTokens } from '../openid/refresh.js';
import { createRelyingParty, type RelyingParty } from '../openid/relying_party.js';
import { noTokens, type TokenAnswer } from '../openid/tokens.js';
import type { Provider, SignedIn } from '../provider.js';

function redirectOf(body: Readonly<Record<string, unknown>>): string {
  const { redirect_uri: value = '' } = body;
  if (typeof value === 'string' && value.length <= 2_000) return value;
  throw new BadRequestError('redirect_uri must be a string');
}

/** Redeems a code the caller brought. Code and redirect address are the caller's, so a refusal of them is no fault of ours. */
async function redeemPosted(party: RelyingParty, code: string, redirect_uri: string): Promise<TokenAnswer> {
  try {
    return await party.redeemGrant({ grant_type: 'authorization_code', code, redirect_uri });
  } catch (error) {
    const ours = ['invalid_client', 'unauthorized_client'];
    if (!(error instanceof ProviderError) || error.failure !== 'misconfigured') throw error;
    if (ours.includes(error.code ?? '')) throw error;
    throw new InvalidTokenError(error.message);
  }
}

/** The posted ID token signs in; a posted code adds access and refresh token, and must be of the same user (reference §5.4). */
async function acceptTokens(
  party: RelyingParty,
  audiences: readonly string[],
  body: Readonly<Record<string, unknown>>,
): Promise<SignedIn> {
  const idToken = requiredToken(body, 'id_token');
  const code = optionalToken(body, 'authorization_code');
  const payload = await party.verify(idToken, audiences);
  if (code === undefined) {
    const signedIn = party.signedIn({ payload, answer: { ...noTokens, idToken }, scope: undefined });
    return { ...signedIn, tokens: { ...signedIn.tokens, expiresAt: (payload.exp ?? 0) * 1000 } };
  }
  const answer = await redeemPosted(party, code, redirectOf(body));
  const again = answer.idToken === undefined ? undefined : await party.verify(answer.idToken, audiences);
  if (again?.sub !== payload.sub) throw new InvalidTokenError('the code is of another user');
  return party.signedIn({ payload, answer: { ...answer, idToken }, scope: undefined });
}

/** Google: a refresh token comes only after `access_type=offline`, and usually only once (reference §4.5). */
export function createGoogle(settings: GoogleSettings, deps: ProviderDeps): Provider {
  const { claimStyle: style, strictOverwrite } = deps;
  const { baseUrl, clientId, secret } = settings;
  const metadata = createMetadata({ ...deps, url: `${baseUrl}/.well-known/openid-configuration` });
  const party = createRelyingParty({
    ...deps,
    alias: 'google',
    clientId,
    secret,
    metadata: metadata.get,
    // Google writes its issuer with and without the scheme.
    issuersOf: ({ issuer }) => [issuer, issuer.replace(/^https:\/\//, '')],
    principalOf: (payload: JWTPayload) => openidPrincipal(payload, { alias: 'google', style, byEmail: true }),
  });
  const audiences = [clientId, ...settings.allowedAudiences];
  return {
    alias: 'google',
    otherNames: [],
    refreshes: true,
    nonceInState: false,
    loginUrl: (start) => {
      const free = new Map(start.parameters);
      const scope = free.get('scope') ?? settings.scopes.join(' ');
      free.delete('scope');
      return party.authorize(start, scope, free);
    },
    completeLogin: party.complete,
    refresh: (request) => refreshTokens(party, request, { clientId, strictOverwrite }),
    authenticate: undefined,
    acceptTokens: (body) => acceptTokens(party, audiences, body),
    admits: () => true,
    logoutUrl: async (returnTo) => `${baseUrl}/logout?continue=${encodeURIComponent(returnTo)}`,
    challenge: () => undefined,
  };
}
