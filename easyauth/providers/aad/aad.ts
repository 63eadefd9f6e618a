import type { Provider } from '../provider.js';
import { acceptTokens } from './accept_tokens.js';
import { createBearerCheck } from './bearer.js';
import { completeLogin } from './complete_login.js';
import { type AadDeps, createAadContext } from './context.js';
import { authorizeAddress } from './issuer.js';
import { authorizeRequest } from './login.js';
import { admits } from './policy.js';
import { refresh } from './refresh.js';

/** Microsoft Entra ID, and any provider that speaks like it. */
export function createAad(deps: AadDeps): Provider {
  const aad = createAadContext(deps);
  const { settings } = deps;
  return {
    alias: 'aad',
    otherNames: ['azureactivedirectory', 'microsoft'],
    refreshes: true,
    nonceInState: false,
    loginUrl: async (start) =>
      authorizeRequest(settings, (await aad.metadata.get()).authorizationEndpoint, start),
    completeLogin: (answer) => completeLogin(aad, answer),
    refresh: (request) => refresh(aad, request),
    authenticate: createBearerCheck(aad),
    acceptTokens: (body) => acceptTokens(aad, body),
    admits: (principal, via) => admits(settings, principal, via),
    logoutUrl: async (returnTo) => {
      const endpoint = (await aad.metadata.get()).endSessionEndpoint;
      if (endpoint === undefined) return undefined;
      const url = new URL(endpoint);
      url.searchParams.set('post_logout_redirect_uri', returnTo);
      url.searchParams.set('client_id', settings.clientId);
      return url.href;
    },
    challenge: (host) => {
      const address = authorizeAddress(settings.issuer);
      const value = `Bearer realm="${host}" authorization_uri="${address}" resource_id="${settings.clientId}"`;
      return settings.challenge ? value : undefined;
    },
  };
}
