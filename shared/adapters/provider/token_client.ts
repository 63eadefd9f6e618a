import type { ProviderSettings } from '../../config.js';
import type { Target } from '../../domain/connection.js';
import type { ProviderFailure } from '../../domain/refresh_result.js';
import { CREDENTIAL } from '../../domain/upkeep.js';
import type { Provider, ProviderAnswer, ProviderTokens } from '../../ports.js';
import type { ProviderRules } from '../../providers/rules.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import { answered, parseObject, retryAfterSeconds, word } from './answer.js';
import type { ProviderClient } from './client.js';
import type { ProviderDocuments } from './metadata.js';

export interface ConfiguredProvider {
  readonly settings: ProviderSettings;
  readonly rules: ProviderRules;
  /** Absent where the provider is no OpenID provider. */
  readonly documents?: ProviderDocuments;
  /** Where the credential is no refresh token that we redeem ourselves. */
  readonly client?: ProviderClient;
}

/** A provider whose refresh tokens we redeem ourselves. */
export type TokenProvider = ConfiguredProvider & { readonly documents: ProviderDocuments };

export const REFRESH_TIMEOUT_MS = 10_000;
/** Used when a provider does not say, or says nonsense: short, so that the token is soon asked for again. */
const DEFAULT_LIFE_SECONDS = 300;
const MOST_LIFE_SECONDS = 86_400;
const MOST_TOKEN_CHARS = 20_000;

/** The providers' clients, by name. */
export function createProvider(
  providers: ReadonlyMap<string, ConfiguredProvider>,
  http: HttpClient,
): Provider {
  const clients = new Map([...providers].map(([name, provider]) => [name, clientOf(provider, http)]));
  const named = (name: string): ProviderClient => {
    const client = clients.get(name);
    if (!client) throw new Error('a connection names a provider that is not configured');
    return client;
  };
  return {
    refresh: async (name, credential, target) => named(name).refresh(credential, target),
    prove: async (name, credential) => named(name).prove(credential),
    revoke: async (name, credential) => named(name).revoke(credential),
    check: async (name) => named(name).check(),
  };
}

function clientOf(provider: ConfiguredProvider, http: HttpClient): ProviderClient {
  if (provider.client) return provider.client;
  const { documents } = provider;
  if (!documents) throw new TypeError('a provider has neither metadata nor a client of its own');
  return createTokenClient({ ...provider, documents }, http);
}

/** Redeems refresh tokens (RFC 6749 §6), authenticating as the app registration they were issued to. */
function createTokenClient(provider: TokenProvider, http: HttpClient): ProviderClient {
  const refresh = (refreshToken: string, target: Target): Promise<ProviderAnswer> =>
    answered(async () => {
      const { tokenEndpoint } = await provider.documents.metadata.get();
      const answer = await http({
        url: tokenEndpoint,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: refreshForm(provider, refreshToken, target),
        timeoutMs: REFRESH_TIMEOUT_MS,
      });
      return readAnswer(provider.rules, answer, target);
    });
  return {
    refresh,
    prove: (refreshToken) => refresh(refreshToken, CREDENTIAL),
    revoke: async () => 'not_supported',
    async check() {
      await provider.documents.metadata.get();
    },
  };
}

function refreshForm({ settings, rules }: TokenProvider, refreshToken: string, target: Target): string {
  const scope = rules.requestScope(target.resource, target.scope);
  return new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: settings.clientId,
    client_secret: settings.clientSecret,
    refresh_token: refreshToken,
    ...(scope === '' ? {} : { scope }),
  }).toString();
}

function readAnswer(rules: ProviderRules, answer: HttpAnswer, target: Target): ProviderAnswer {
  const body = parseObject(answer.body);
  const accessToken = body.access_token;
  // Some providers report errors under status 200 (GitHub): the member decides.
  if (answer.status === 200 && typeof accessToken === 'string' && accessToken !== '' && !body.error) {
    const tokens = readTokens(rules, { ...body, access_token: accessToken }, target);
    if (isStorable(tokens)) return { ok: true, tokens };
    return { ok: false, failure: { status: 200, error: 'token_too_large', codes: [] } };
  }
  return { ok: false, failure: readFailure(answer, body) };
}

function readTokens(
  rules: ProviderRules,
  body: Record<string, unknown> & { access_token: string },
  target: Target,
): ProviderTokens {
  const { refresh_token: refreshToken, id_token: idToken, scope } = body;
  return {
    accessToken: body.access_token,
    expiresIn: lifeSeconds(body.expires_in),
    // RFC 6749 §5.1: no `scope` means exactly what was asked.
    scope: typeof scope === 'string' ? rules.grantedScope(scope, target.resource) : target.scope,
    ...(typeof refreshToken === 'string' && refreshToken !== '' ? { refreshToken } : {}),
    ...(typeof idToken === 'string' ? { idToken } : {}),
  };
}

/** A sealed token must fit a table column of 32 Ki characters: one that does not would be redeemed again and again for nothing. */
function isStorable({ accessToken, refreshToken = '' }: ProviderTokens): boolean {
  return accessToken.length <= MOST_TOKEN_CHARS && refreshToken.length <= MOST_TOKEN_CHARS;
}

function lifeSeconds(value: unknown): number {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 1) return DEFAULT_LIFE_SECONDS;
  return Math.min(Math.floor(seconds), MOST_LIFE_SECONDS);
}

function readFailure(answer: HttpAnswer, body: Record<string, unknown>): ProviderFailure {
  const { error, suberror, error_subtype: subtype, error_codes: codes, claims, trace_id: traceId } = body;
  const retryAfter = retryAfterSeconds(answer.headers['retry-after']);
  return {
    status: answer.status,
    error: word(error) ?? 'unreadable_answer',
    codes: Array.isArray(codes) ? codes.filter((code) => Number.isSafeInteger(code)) : [],
    // Google's name for it is `error_subtype`.
    ...optionalWord('suberror', suberror ?? subtype),
    ...(typeof claims === 'string' && claims.length <= 4096 ? { claims } : {}),
    ...optionalWord('traceId', traceId),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  };
}

function optionalWord<K extends string>(name: K, value: unknown): { [P in K]?: string } {
  const text = word(value);
  return text === undefined ? {} : ({ [name]: text } as { [P in K]?: string });
}
