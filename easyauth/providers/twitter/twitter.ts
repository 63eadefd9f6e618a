import type { TwitterSettings } from '../../config/provider_settings.js';
import { isRecord } from '../../config/reader.js';
import { LoginProtocolError, ProviderError } from '../../errors.js';
import type { Principal } from '../../identity/principal.js';
import { requiredToken } from '../body_member.js';
import type { ProviderDeps } from '../deps.js';
import { signInOnly } from '../no_refresh.js';
import type { ProviderAnswer } from '../openid/provider_http.js';
import { profilePrincipal } from '../profile_claims.js';
import type { LoginReturn, Provider, SignedIn } from '../provider.js';
import { userKey } from '../user_key.js';
import { type OAuth1Keys, oauthHeader } from './oauth1.js';

/** X brings no state back, so it is kept in the browser's cookie, which has 4 KB; a longer target is given up. */
const longestState = 1_500;

interface Pair {
  readonly token: string;
  readonly secret: string;
}

function failure({ status }: ProviderAnswer, atUser: boolean): ProviderError {
  const refused = status === 400 || status === 401 || status === 403;
  const kind = refused ? (atUser ? 'rejected' : 'misconfigured') : 'unreachable';
  return new ProviderError(kind, `X answers ${status}`);
}

function pairOf(answer: ProviderAnswer, atUser: boolean): Pair {
  const form = new URLSearchParams(answer.text);
  const token = form.get('oauth_token') ?? '';
  const secret = form.get('oauth_token_secret') ?? '';
  const good = [token, secret].every((part) => /^[\x21-\x7e]{1,1000}$/.test(part));
  if (answer.status !== 200 || !good) throw failure(answer, atUser);
  return { token, secret };
}

function principalOf(profile: Record<string, unknown>, { claimStyle }: ProviderDeps): Principal {
  const { id_str: id, screen_name: handle, email } = profile;
  if (typeof id !== 'string' || id === '' || typeof handle !== 'string')
    throw new ProviderError('unreachable', 'X tells of no user');
  const { name, location, description, url, lang, verified, profile_image_url_https: image } = profile;
  const others = { screen_name: handle, name, location, description, url, lang, verified };
  return profilePrincipal(
    {
      alias: 'twitter',
      id,
      name: handle,
      known: { email },
      others: { ...others, profile_image_url_https: image },
    },
    claimStyle,
  );
}

/**
 * X (Twitter) by OAuth 1.0a (RFC 5849), three-legged. The request token, kept sealed in the browser with its secret, binds the
 * sign-in to the browser. Tokens do not expire, so there is no refresh (reference §4.5).
 */
export function createTwitter(settings: TwitterSettings, deps: ProviderDeps): Provider {
  const { baseUrl, consumerKey } = settings;
  const { http, now } = deps;
  const keys = (pair?: Pair): OAuth1Keys => ({
    consumerKey,
    consumerSecret: settings.secret.reveal(),
    token: pair?.token,
    tokenSecret: pair?.secret,
  });
  const post = async (path: string, extra: Record<string, string>, pair?: Pair) => {
    const url = `${baseUrl}${path}`;
    const authorization = oauthHeader(keys(pair), { method: 'POST', url, extra, now: now() });
    return http.post(url, new URLSearchParams(), { authorization, accept: '*/*' });
  };
  /** Asking for the profile with our signature proves that the tokens are good and were issued to us. */
  const signedIn = async (pair: Pair): Promise<SignedIn> => {
    const url = `${baseUrl}/1.1/account/verify_credentials.json?include_email=true&skip_status=true`;
    const authorization = oauthHeader(keys(pair), { method: 'GET', url, now: now() });
    const answer = await http.get(url, { authorization });
    if (answer.status !== 200 || !isRecord(answer.body)) throw failure(answer, true);
    const principal = principalOf(answer.body, deps);
    const { id: userId, claims } = principal;
    const { token: accessToken, secret: accessTokenSecret } = pair;
    const tokens = { provider: 'twitter', userId, claims, accessToken, accessTokenSecret };
    return { user: userKey('twitter', userId), principal, tokens, issuedAt: undefined };
  };
  const completeLogin = async ({ parameters, recall }: LoginReturn): Promise<SignedIn> => {
    const token = parameters.get('oauth_token') ?? '';
    const secret = recall(token)?.secret;
    if (secret === undefined) throw new LoginProtocolError('the request token is not one of this browser');
    const oauth_verifier = parameters.get('oauth_verifier') ?? '';
    if (!/^[\x21-\x7e]{1,500}$/.test(oauth_verifier)) throw new LoginProtocolError('the verifier is missing');
    const answer = await post('/oauth/access_token', { oauth_verifier }, { token, secret });
    return signedIn(pairOf(answer, true));
  };
  return {
    ...signInOnly,
    alias: 'twitter',
    otherNames: ['x'],
    nonceInState: false,
    loginUrl: async ({ redirectUri, state }) => {
      const answer = await post('/oauth/request_token', { oauth_callback: redirectUri });
      const { token, secret } = pairOf(answer, false);
      if (new URLSearchParams(answer.text).get('oauth_callback_confirmed') !== 'true')
        throw new ProviderError('misconfigured', 'X does not confirm the callback');
      const url = `${baseUrl}/oauth/authenticate?oauth_token=${encodeURIComponent(token)}`;
      const kept = state.length > longestState ? 'redir=%2F' : state;
      return { url, scope: undefined, state: kept, secret, recallBy: token };
    },
    completeLogin,
    acceptTokens: (body) =>
      signedIn({
        token: requiredToken(body, 'access_token'),
        secret: requiredToken(body, 'access_token_secret'),
      }),
  };
}
