import type { Target } from '../../domain/connection.js';
import type { ProviderFailure } from '../../domain/refresh_result.js';
import type { ProviderAnswer, ProviderTokens } from '../../ports.js';
import type { ProviderRules } from '../../providers/rules.js';
import type { HttpAnswer } from '../http_client.js';
import { isStorableText, parseObject, retryAfterSeconds, word } from './answer.js';

/** Used when a provider does not say, or says nonsense: short, so that the token is soon asked for again. */
const DEFAULT_LIFE_SECONDS = 300;
const MOST_LIFE_SECONDS = 86_400;

/** What a token endpoint said (RFC 6749 §5), read as strictly as somebody else's word is. */
export function readAnswer(rules: ProviderRules, answer: HttpAnswer, target: Target): ProviderAnswer {
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
  const { refresh_token: refreshToken, id_token: idToken, token_type: tokenType, scope } = body;
  return {
    accessToken: body.access_token,
    expiresIn: lifeSeconds(body.expires_in),
    // RFC 6749 §5.1: no `scope` means exactly what was asked.
    scope: typeof scope === 'string' ? rules.grantedScope(scope, target.resource) : target.scope,
    ...(typeof refreshToken === 'string' && refreshToken !== '' ? { refreshToken } : {}),
    ...(typeof idToken === 'string' ? { idToken } : {}),
    ...(typeof tokenType === 'string' ? { tokenType } : {}),
  };
}

function isStorable({ accessToken, refreshToken = '' }: ProviderTokens): boolean {
  return isStorableText(accessToken) && isStorableText(refreshToken);
}

function lifeSeconds(value: unknown): number {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 1) return DEFAULT_LIFE_SECONDS;
  return Math.min(Math.floor(seconds), MOST_LIFE_SECONDS);
}

function readFailure(answer: HttpAnswer, body: Record<string, unknown>): ProviderFailure {
  const { error, suberror, error_subtype: subtype, error_codes: codes, claims, trace_id: traceId } = body;
  const retryAfter = retryAfterSeconds(answer.headers);
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
