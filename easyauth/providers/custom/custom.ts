import { decodeJwt } from 'jose';
import type { CustomSettings } from '../../config/provider_settings.js';
import { InvalidTokenError } from '../../errors.js';
import type { ProviderDeps } from '../deps.js';
import { openidPrincipal } from '../openid/identity.js';
import { createMetadata, type Metadata } from '../openid/metadata.js';
import { refreshTokens } from '../openid/refresh.js';
import { createRelyingParty, type RelyingParty } from '../openid/relying_party.js';
import { noTokens } from '../openid/tokens.js';
import type { BearerCaller, Provider } from '../provider.js';

function metadataOf({ endpoints }: CustomSettings, deps: ProviderDeps): () => Promise<Metadata> {
  if (endpoints.wellKnown !== undefined) return createMetadata({ ...deps, url: endpoints.wellKnown }).get;
  const fixed: Metadata = {
    issuer: endpoints.issuer,
    authorizationEndpoint: endpoints.authorizationEndpoint,
    tokenEndpoint: endpoints.tokenEndpoint,
    jwksUri: endpoints.certificationUri,
    endSessionEndpoint: undefined,
  };
  return async () => fixed;
}

/** Whether a token claims to be for us: of one that is not, neither metadata nor keys are asked for. */
function isForUs(token: string, clientId: string): boolean {
  try {
    const { aud } = decodeJwt(token);
    return Array.isArray(aud) ? aud.includes(clientId) : aud === clientId;
  } catch {
    return false;
  }
}

/** The audience must be the client id; there is no list of others (reference §7.2). */
async function authenticate(party: RelyingParty, clientId: string, token: string): Promise<BearerCaller> {
  if (!isForUs(token, clientId)) throw new InvalidTokenError('the audience is another one');
  const payload = await party.verify(token, [clientId]);
  const { user, principal } = party.signedIn({ payload, answer: noTokens, scope: undefined });
  return { user, principal };
}

/** A custom OpenID Connect provider: authorization code, `client_secret_post`, no PKCE (reference §5.1). */
export function createCustom(settings: CustomSettings, deps: ProviderDeps): Provider {
  const { claimStyle: style, strictOverwrite } = deps;
  const { name: alias, clientId, secret, nameClaimType } = settings;
  const party = createRelyingParty({
    ...deps,
    alias,
    clientId,
    secret,
    metadata: metadataOf(settings, deps),
    issuersOf: ({ issuer }) => [issuer],
    principalOf: (payload) => openidPrincipal(payload, { alias, style, nameClaimType, byEmail: false }),
  });
  return {
    alias,
    otherNames: [],
    refreshes: true,
    nonceInState: false,
    acceptTokens: undefined,
    loginUrl: (start) => {
      const free = new Map([...settings.loginParameters, ...start.parameters]);
      const scope = free.get('scope') ?? settings.scopes.join(' ');
      free.delete('scope');
      return party.authorize(start, scope, free);
    },
    completeLogin: party.complete,
    refresh: (request) => refreshTokens(party, request, { clientId, strictOverwrite }),
    authenticate: (token) => authenticate(party, clientId, token),
    admits: () => true,
    // Only Entra's and Google's own sessions are ended (reference §5.6).
    logoutUrl: async () => undefined,
    challenge: (host) => `Bearer realm="${host}"`,
  };
}
