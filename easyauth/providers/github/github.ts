import type { GitHubSettings } from '../../config/provider_settings.js';
import { isRecord } from '../../config/reader.js';
import { ProviderError } from '../../errors.js';
import type { ProviderDeps } from '../deps.js';
import { signInOnly } from '../no_refresh.js';
import { codeOf, recallByState } from '../nonce_in_state.js';
import { redeem } from '../openid/tokens.js';
import { profilePrincipal } from '../profile_claims.js';
import type { Provider } from '../provider.js';
import { userKey } from '../user_key.js';

/** Fields that are written under well-known claims already, and links to the API itself. */
const notTold = new Set(['id', 'node_id', 'email']);

async function profileOf(settings: GitHubSettings, deps: ProviderDeps, token: string) {
  const { status, body } = await deps.http.get(`${settings.apiUrl}/user`, {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token}`,
  });
  const failure = status === 401 || status === 403 ? 'rejected' : 'unreachable';
  if (status !== 200 || !isRecord(body)) throw new ProviderError(failure, `GitHub answers ${status}`);
  const { id, login, email } = body;
  if ((typeof id !== 'number' && typeof id !== 'string') || typeof login !== 'string')
    throw new ProviderError('unreachable', 'GitHub tells of no user');
  const others = Object.fromEntries(
    Object.entries(body).filter(([name]) => !notTold.has(name) && !/_url$/.test(name)),
  );
  const profile = { alias: 'github', id: String(id), name: login, known: { email }, others };
  return profilePrincipal(profile, deps.claimStyle);
}

/** GitHub: OAuth code flow, the nonce inside the state; no refresh and no sign-in of clients (reference §4.5, §5.4). */
export function createGitHub(settings: GitHubSettings, deps: ProviderDeps): Provider {
  return {
    ...signInOnly,
    alias: 'github',
    otherNames: [],
    nonceInState: true,
    acceptTokens: undefined,
    loginUrl: async ({ parameters, redirectUri, state }) => {
      const url = new URL(`${settings.baseUrl}/login/oauth/authorize`);
      const scope = parameters.get('scope') ?? settings.scopes.join(' ');
      const hint = parameters.get('login_hint');
      url.searchParams.set('client_id', settings.clientId);
      url.searchParams.set('redirect_uri', redirectUri);
      if (scope !== '') url.searchParams.set('scope', scope);
      if (hint !== undefined) url.searchParams.set('login', hint);
      url.searchParams.set('state', state);
      return { url: url.href, scope };
    },
    completeLogin: async (answer) => {
      const { scope } = recallByState(answer);
      const form = new URLSearchParams({ client_id: settings.clientId, code: codeOf(answer) });
      form.set('client_secret', settings.secret.reveal());
      form.set('redirect_uri', answer.redirectUri);
      const given = await redeem(deps.http, `${settings.baseUrl}/login/oauth/access_token`, form);
      const { accessToken, refreshToken, expiresIn } = given;
      if (accessToken === undefined) throw new ProviderError('rejected', 'GitHub gives no token');
      const principal = await profileOf(settings, deps, accessToken);
      const expiresAt = expiresIn === undefined ? undefined : deps.now() + expiresIn * 1000;
      const { id: userId, claims } = principal;
      return {
        user: userKey('github', userId),
        principal,
        tokens: { provider: 'github', userId, claims, accessToken, refreshToken, expiresAt, scope },
        issuedAt: undefined,
      };
    },
  };
}
