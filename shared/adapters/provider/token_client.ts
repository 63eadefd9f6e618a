import type { ProviderSettings } from '../../config.js';
import type { Target } from '../../domain/connection.js';
import type { ProviderFailure } from '../../domain/refresh_result.js';
import type { Provider, ProviderAnswer, ProviderTokens } from '../../ports.js';
import type { ProviderRules } from '../../providers/rules.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import type { ProviderDocuments } from './metadata.js';

export interface ConfiguredProvider {
  readonly settings: ProviderSettings;
  readonly rules: ProviderRules;
  readonly documents: ProviderDocuments;
}

export const REFRESH_TIMEOUT_MS = 10_000;
/** Used when a provider does not say, or says nonsense: short, so that the token is soon asked for again. */
const DEFAULT_LIFE_SECONDS = 300;
const MOST_LIFE_SECONDS = 86_400;
const MOST_TOKEN_CHARS = 20_000;

/** Redeems refresh tokens at the providers (RFC 6749 §6), authenticating as the app registration they were issued to. */
export function createProvider(
  providers: ReadonlyMap<string, ConfiguredProvider>,
  http: HttpClient,
): Provider {
  const named = (name: string): ConfiguredProvider => {
    const provider = providers.get(name);
    if (!provider) throw new Error('a connection names a provider that is not configured');
    return provider;
  };
  return {
    async refresh(name, refreshToken, target) {
      const provider = named(name);
      try {
        const { tokenEndpoint } = await provider.documents.metadata.get();
        const answer = await http({
          url: tokenEndpoint,
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
          body: refreshForm(provider, refreshToken, target),
          timeoutMs: REFRESH_TIMEOUT_MS,
        });
        return readAnswer(provider.rules, answer, target);
      } catch (error) {
        return { ok: false, failure: { status: 0, error: noAnswer(error), codes: [] } };
      }
    },
    async check(name) {
      await named(name).documents.metadata.get();
    },
  };
}

function refreshForm({ settings, rules }: ConfiguredProvider, refreshToken: string, target: Target): string {
  return new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: settings.clientId,
    client_secret: settings.clientSecret,
    refresh_token: refreshToken,
    scope: rules.requestScope(target.resource, target.scope),
  }).toString();
}

/** A word for the failure log; the error's own text may quote what was sent. */
function noAnswer(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  return name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'no_answer';
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
  const { error, suberror, error_codes: codes, claims, trace_id: traceId } = body;
  const retryAfter = retryAfterSeconds(answer.headers['retry-after']);
  return {
    status: answer.status,
    error: word(error) ?? 'unreadable_answer',
    codes: Array.isArray(codes) ? codes.filter((code) => Number.isSafeInteger(code)) : [],
    ...optionalWord('suberror', suberror),
    ...(typeof claims === 'string' && claims.length <= 4096 ? { claims } : {}),
    ...optionalWord('traceId', traceId),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  };
}

/** Provider text goes into tables and logs only where it is a short plain word. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,80}$/.test(value) ? value : undefined;
}

function optionalWord<K extends string>(name: K, value: unknown): { [P in K]?: string } {
  const text = word(value);
  return text === undefined ? {} : ({ [name]: text } as { [P in K]?: string });
}

/** Seconds, or an HTTP date (RFC 9110 §10.2.3), which providers in question do not send. */
function retryAfterSeconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
