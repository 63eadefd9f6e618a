import type { FacebookSettings } from '../../config/provider_settings.js';
import { InvalidTokenError } from '../../errors.js';
import { requiredToken } from '../body_member.js';
import type { ProviderDeps } from '../deps.js';
import { signInOnly } from '../no_refresh.js';
import { codeOf, recallByState } from '../nonce_in_state.js';
import { profilePrincipal } from '../profile_claims.js';
import type { Provider, SignedIn } from '../provider.js';
import { userKey } from '../user_key.js';
import { createGraph } from './graph.js';

/** Facebook Login: code flow, then the token is changed for one of about 60 days; there is no refresh (reference §4.5). */
export function createFacebook(settings: FacebookSettings, deps: ProviderDeps): Provider {
  const { http, now, claimStyle } = deps;
  const graph = createGraph(settings, http);

  const signedIn = async (
    accessToken: string,
    expiresAt: number | undefined,
    scope?: string,
  ): Promise<SignedIn> => {
    const { id, name, email, first_name, last_name } = await graph.me(accessToken);
    if (typeof id !== 'string' || id === '') throw new InvalidTokenError('the profile has no id');
    const readable = [name, email].find((one) => typeof one === 'string' && one !== '');
    const principal = profilePrincipal(
      {
        alias: 'facebook',
        id,
        name: String(readable ?? id),
        known: { email, given_name: first_name, family_name: last_name },
        others: {},
      },
      claimStyle,
    );
    const tokens = {
      provider: 'facebook',
      userId: id,
      claims: principal.claims,
      accessToken,
      expiresAt,
      scope,
    };
    return { user: userKey('facebook', id), principal, tokens, issuedAt: undefined };
  };
  const endOf = (seconds: number | undefined) => (seconds === undefined ? undefined : now() + seconds * 1000);

  return {
    ...signInOnly,
    alias: 'facebook',
    otherNames: [],
    nonceInState: true,
    loginUrl: async (start) => {
      const url = new URL(`${settings.dialogUrl}/${settings.graphVersion}/dialog/oauth`);
      const scope = start.parameters.get('scope')?.replaceAll(' ', ',') ?? settings.scopes.join(',');
      url.searchParams.set('client_id', settings.clientId);
      url.searchParams.set('redirect_uri', start.redirectUri);
      url.searchParams.set('response_type', 'code');
      url.searchParams.set('scope', scope);
      url.searchParams.set('state', start.state);
      return { url: url.href, scope };
    },
    completeLogin: async (answer) => {
      const { scope } = recallByState(answer);
      const fresh = await graph.redeemCode(codeOf(answer), answer.redirectUri);
      const { accessToken, expiresIn } = await graph.exchange(fresh.accessToken);
      return signedIn(accessToken, endOf(expiresIn), scope);
    },
    acceptTokens: async (body) => {
      const accessToken = requiredToken(body, 'access_token');
      const { userId, expiresAt } = await graph.inspect(accessToken);
      const result = await signedIn(accessToken, expiresAt);
      if (result.principal.id !== userId) throw new InvalidTokenError('the token is of another user');
      return result;
    },
  };
}
