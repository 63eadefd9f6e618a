import type { MicrosoftAccountSettings } from '../../config/provider_settings.js';
import { InvalidTokenError, ProviderError } from '../../errors.js';
import { optionalSeconds, optionalToken, requiredToken } from '../body_member.js';
import type { ProviderDeps } from '../deps.js';
import { signInOnly } from '../no_refresh.js';
import { codeOf, recallByState } from '../nonce_in_state.js';
import type { TokenAnswer } from '../openid/tokens.js';
import type { Provider, RefreshRequest, SignedIn } from '../provider.js';
import { userKey } from '../user_key.js';
import { verifyAuthenticationToken } from './authentication_token.js';
import { alias, createLive, principalOf } from './live.js';

/** The old Microsoft account sign-in (Live Connect): OAuth code flow, refresh with `wl.offline_access` (reference §4.5). */
export function createMicrosoftAccount(settings: MicrosoftAccountSettings, deps: ProviderDeps): Provider {
  const { http, now, claimStyle } = deps;
  const { baseUrl, clientId } = settings;
  const endOf = (seconds: number | undefined) => (seconds === undefined ? undefined : now() + seconds * 1000);

  const live = createLive(settings, http);
  const signedIn = (
    profile: Record<string, unknown>,
    answer: TokenAnswer,
    more: { scope?: string | undefined },
  ): SignedIn => {
    const principal = principalOf(profile, claimStyle);
    const { id: userId, claims } = principal;
    const { accessToken, refreshToken, authenticationToken, expiresIn } = answer;
    const expiresAt = endOf(expiresIn);
    const tokens = {
      provider: alias,
      userId,
      claims,
      accessToken,
      refreshToken,
      authenticationToken,
      expiresAt,
      ...more,
    };
    return { user: userKey(alias, userId), principal, tokens, issuedAt: undefined };
  };
  const refresh = async ({ entry, refreshToken, redirectUri }: RefreshRequest) => {
    const answer = await live.grant({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      redirect_uri: redirectUri,
    });
    const kept = deps.strictOverwrite ? undefined : refreshToken;
    const tokens = {
      ...entry,
      accessToken: answer.accessToken,
      authenticationToken: answer.authenticationToken ?? entry.authenticationToken,
      refreshToken: answer.refreshToken ?? kept,
      expiresAt: endOf(answer.expiresIn),
    };
    return { principal: undefined, tokens };
  };
  /** An access token does not say which app it was issued to, so that alone it proves nothing: anybody's app could bring it. */
  const acceptTokens = async (body: Readonly<Record<string, unknown>>): Promise<SignedIn> => {
    const authenticationToken = requiredToken(body, 'authentication_token');
    const accessToken = optionalToken(body, 'access_token');
    const expiresIn = optionalSeconds(body, 'expires_in');
    const apps = [clientId, ...settings.allowedAudiences];
    const check = { secret: settings.secret.reveal(), apps, now: now() };
    const { userId, expiresAt } = await verifyAuthenticationToken(authenticationToken, check);
    const profile = accessToken === undefined ? { id: userId } : await live.profile(accessToken);
    if (profile.id !== userId) throw new InvalidTokenError('the two tokens are of different users');
    const none = { idToken: undefined, refreshToken: undefined };
    const result = signedIn(profile, { ...none, accessToken, authenticationToken, expiresIn }, {});
    const ends = Math.min(endOf(expiresIn) ?? expiresAt, expiresAt);
    return { ...result, tokens: { ...result.tokens, expiresAt: ends } };
  };

  return {
    ...signInOnly,
    alias,
    otherNames: [],
    refreshes: true,
    nonceInState: true,
    loginUrl: async (start) => {
      const url = new URL(`${baseUrl}/oauth20_authorize.srf`);
      const scope = start.parameters.get('scope') ?? settings.scopes.join(' ');
      const hint = start.parameters.get('login_hint');
      url.searchParams.set('client_id', clientId);
      url.searchParams.set('scope', scope);
      url.searchParams.set('response_type', 'code');
      url.searchParams.set('redirect_uri', start.redirectUri);
      if (hint !== undefined) url.searchParams.set('username', hint);
      url.searchParams.set('state', start.state);
      return { url: url.href, scope };
    },
    completeLogin: async (answer) => {
      const { scope } = recallByState(answer);
      const members = {
        grant_type: 'authorization_code',
        code: codeOf(answer),
        redirect_uri: answer.redirectUri,
      };
      const given = await live.grant(members);
      if (given.accessToken === undefined) throw new ProviderError('rejected', 'Live gives no token');
      return signedIn(await live.profile(given.accessToken), given, { scope });
    },
    refresh,
    acceptTokens,
  };
}
