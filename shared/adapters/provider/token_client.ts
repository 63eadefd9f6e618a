import type { AppCredential } from '../../config.js';
import type { Target } from '../../domain/connection.js';
import { CREDENTIAL } from '../../domain/upkeep.js';
import type { Facade } from '../../policy.js';
import type { ProviderAnswer } from '../../ports.js';
import type { ProviderRules } from '../../providers/rules.js';
import type { HttpClient } from '../http_client.js';
import { answered } from './answer.js';
import type { CredentialForm } from './app_credential.js';
import type { ProviderClient } from './client.js';
import type { TokenProvider } from './provider.js';
import { revoke } from './revocation.js';
import { readAnswer } from './token_answer.js';
import { withSubject } from './userinfo.js';

export interface TokenClientDeps {
  readonly http: HttpClient;
  readonly credentialForm: CredentialForm;
  /** By the resource policy names. */
  readonly facades: ReadonlyMap<string, Facade>;
}

export const REFRESH_TIMEOUT_MS = 10_000;
/** Two calls, and perhaps two tokens of managed identities, must fit into the time a connection is claimed for. */
const FACADE_TIMEOUT_MS = 6000;

/** Redeems refresh tokens (RFC 6749 §6), authenticating as the app registration they were issued to. */
export function createTokenClient(provider: TokenProvider, deps: TokenClientDeps): ProviderClient {
  const call = (tokenCall: TokenCall) => ask(deps, provider, tokenCall);
  const refresh = (refreshToken: string, target: Target): Promise<ProviderAnswer> => {
    const facade = facadeOf(deps, target);
    return facade
      ? throughFacade(provider, call, { refreshToken, target, facade })
      : call(redemption(provider, refreshToken, target));
  };
  return {
    refresh,
    prove: (refreshToken) => refresh(refreshToken, CREDENTIAL),
    revoke: (refreshToken) => revoke(provider, deps, refreshToken),
    async check() {
      await provider.documents.metadata.get();
    },
  };
}

function facadeOf({ facades }: TokenClientDeps, { resource = '', facade }: Target): Facade | undefined {
  if (facade === undefined) return undefined;
  const found = facades.get(resource);
  if (found?.appId !== facade) throw new Error('a target names a facade that policy does not');
  return found;
}

function redemption({ settings, rules }: TokenProvider, refreshToken: string, target: Target): TokenCall {
  const scope = rules.requestScope(target.resource, target.scope);
  return {
    clientId: settings.clientId,
    credential: settings.credential,
    form: {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(scope === '' ? {} : { scope }),
      ...claimsForm(rules, target),
    },
    target,
    timeoutMs: REFRESH_TIMEOUT_MS,
  };
}

/**
 * Two hops: the refresh token gives a token for the facade's API; with that the facade, as itself, asks on the user's behalf (Entra's
 * jwt-bearer). Successor and identity come of the first hop, the token of the second. The second asks for no refresh token: nobody would
 * keep it.
 */
async function throughFacade(
  provider: TokenProvider,
  call: (tokenCall: TokenCall) => Promise<ProviderAnswer>,
  { refreshToken, target, facade }: { refreshToken: string; target: Target; facade: Facade },
): Promise<ProviderAnswer> {
  const { rules } = provider;
  if (!rules.onBehalfScope) throw new Error('policy names a facade at a provider that has none');
  const hop = redemption(provider, refreshToken, CREDENTIAL);
  const scope = `${facade.scope} ${rules.requestScope(undefined, [])}`;
  const first = await call({ ...hop, form: { ...hop.form, scope }, timeoutMs: FACADE_TIMEOUT_MS });
  if (!first.ok) return first;
  const second = await call({
    clientId: facade.appId,
    credential: facade.credential,
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      requested_token_use: 'on_behalf_of',
      assertion: first.tokens.accessToken,
      scope: rules.onBehalfScope(facade.resource, target.scope),
      ...claimsForm(rules, target),
    },
    target: { resource: facade.resource, scope: target.scope },
    timeoutMs: FACADE_TIMEOUT_MS,
  });
  if (!second.ok) return { ok: false, failure: { ...second.failure, facade: facade.appId } };
  const { refreshToken: successor, idToken } = first.tokens;
  const { refreshToken: _, idToken: __, ...token } = second.tokens;
  return {
    ok: true,
    tokens: {
      ...token,
      ...(successor === undefined ? {} : { refreshToken: successor }),
      ...(idToken === undefined ? {} : { idToken }),
    },
  };
}

function claimsForm(rules: ProviderRules, { claims }: Target): { claims?: string } {
  if (claims === undefined) return {};
  if (!rules.requestClaims) throw new Error('a target answers a challenge at a provider that knows none');
  return { claims: rules.requestClaims(claims) };
}

interface TokenCall {
  readonly clientId: string;
  readonly credential: AppCredential;
  readonly form: Readonly<Record<string, string>>;
  /** What the answer is read as. */
  readonly target: Target;
  readonly timeoutMs: number;
}

/** One call of the token endpoint. */
function ask(
  { http, credentialForm }: TokenClientDeps,
  provider: TokenProvider,
  { clientId, credential, form, target, timeoutMs }: TokenCall,
): Promise<ProviderAnswer> {
  const { settings, rules, documents } = provider;
  return answered(async () => {
    const { tokenEndpoint } = await documents.metadata.get();
    const proof = await credentialForm(credential, settings.issuer);
    const answer = await http({
      url: tokenEndpoint,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ ...form, client_id: clientId, ...proof }).toString(),
      timeoutMs,
    });
    return withSubject(provider, http, readAnswer(rules, answer, target));
  });
}
