import { createHmac } from 'node:crypto';
import type { OtherProvider } from '../../config.js';
import type { Clock, ProviderAnswer } from '../../ports.js';
import { EXCHANGE_WHEN_LEFT_SECONDS, facebook } from '../../providers/facebook.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import { answered, parseObject } from './answer.js';
import type { ProviderClient } from './client.js';
import { alive, CALL_TIMEOUT_MS, ENDLESS_SECONDS, refused } from './profile_answer.js';

interface Deps {
  readonly settings: Pick<OtherProvider, 'apiUrl' | 'issuer' | 'clientId' | 'clientSecret'>;
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** What Graph says of a user's token. Times in ms; no end where it has none. */
interface Inspected {
  readonly userId: string;
  readonly scope: readonly string[];
  readonly endsAt: number | undefined;
  readonly credentialEndsAt: number | undefined;
}

/**
 * Facebook's access token of about sixty days: `debug_token` tells whether it lives, whose it is and that it is this app's; with half of its
 * life behind it, it is exchanged for the next one, because a token that has ended cannot be.
 */
export function createFacebookClient(deps: Deps): ProviderClient {
  const refresh = (token: string): Promise<ProviderAnswer> =>
    answered(async () => {
      const found = await inspect(deps, token);
      if ('failed' in found) return found.failed;
      if (secondsLeft(deps, found) > EXCHANGE_WHEN_LEFT_SECONDS) return living(deps, token, found);
      const exchanged = await exchange(deps, token);
      if ('failed' in exchanged) return exchanged.failed;
      const next = await inspect(deps, exchanged.token);
      return 'failed' in next ? next.failed : living(deps, exchanged.token, next);
    });
  return {
    refresh,
    prove: refresh,
    revoke: (token) => revoke(deps, token),
    check: async () => undefined,
  };
}

function secondsLeft({ clock }: Deps, { endsAt }: Inspected): number {
  return endsAt === undefined ? Number.POSITIVE_INFINITY : Math.floor((endsAt - clock()) / 1000);
}

function living(deps: Deps, token: string, found: Inspected): ProviderAnswer {
  const { userId, scope, credentialEndsAt } = found;
  const left = secondsLeft(deps, found);
  return alive({
    accessToken: token,
    credential: token,
    subject: { provider: 'facebook', tenant: deps.settings.issuer, id: userId },
    scope,
    expiresIn: Number.isFinite(left) ? Math.max(1, left) : ENDLESS_SECONDS,
    ...(credentialEndsAt === undefined ? {} : { credentialEndsAt }),
  });
}

type Or<T> = T | { readonly failed: ProviderAnswer };

async function inspect(deps: Deps, token: string): Promise<Or<Inspected>> {
  const { clientId, clientSecret } = deps.settings;
  const app = `${clientId}|${clientSecret}`;
  const answer = await call(deps, 'GET', '/debug_token', { input_token: token, access_token: app });
  const body = parseObject(answer.body);
  // An error of the call itself is about our own app token; what is wrong with the user's is told as data.
  if (answer.status !== 200) {
    const error = memberOf(body, 'error');
    return { failed: graphRefusal(answer, error, APP_CODES.has(error.code) ? 'app_refused' : undefined) };
  }
  const data = memberOf(body, 'data');
  if (data.app_id !== clientId)
    return { failed: refused(answer, data.app_id === undefined ? 'token_invalid' : 'foreign_token') };
  const { user_id: userId, scopes } = data;
  if (data.is_valid !== true || typeof userId !== 'string' || userId === '') {
    const error = memberOf(data, 'error');
    return { failed: graphRefusal(answer, error, error.code === undefined ? 'token_invalid' : undefined) };
  }
  const endsAt = timeOf(data.expires_at);
  const ends = [endsAt, timeOf(data.data_access_expires_at)].filter((end) => end !== undefined);
  const texts = Array.isArray(scopes) ? scopes.filter((one) => typeof one === 'string') : [];
  return {
    userId,
    scope: facebook.grantedScope(texts.join(' '), undefined),
    endsAt,
    credentialEndsAt: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

async function exchange(deps: Deps, token: string): Promise<Or<{ readonly token: string }>> {
  const answer = await call(deps, 'POST', '/oauth/access_token', {
    grant_type: 'fb_exchange_token',
    client_id: deps.settings.clientId,
    client_secret: deps.settings.clientSecret,
    fb_exchange_token: token,
  });
  const body = parseObject(answer.body);
  const { access_token: next } = body;
  if (answer.status === 200 && typeof next === 'string' && next !== '') return { token: next };
  return { failed: graphRefusal(answer, memberOf(body, 'error')) };
}

async function revoke(deps: Deps, token: string): Promise<'revoked' | 'failed'> {
  const proof = createHmac('sha256', deps.settings.clientSecret).update(token).digest('hex');
  try {
    const parameters = { access_token: token, appsecret_proof: proof };
    const answer = await call(deps, 'DELETE', '/me/permissions', parameters);
    if (answer.status === 200) return 'revoked';
    // 190: the token is over already, and with it what the user allowed by it.
    return memberOf(parseObject(answer.body), 'error').code === 190 ? 'revoked' : 'failed';
  } catch {
    return 'failed';
  }
}

/** Tokens travel in the body where Graph reads one: a URL ends up in logs. `GET` and `DELETE` it reads by query alone. */
function call(
  { settings, http }: Deps,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<HttpAnswer> {
  const form = new URLSearchParams(parameters).toString();
  const url = `${settings.apiUrl}${path}`;
  const headers = { accept: 'application/json' };
  if (method !== 'POST') return http({ url: `${url}?${form}`, method, headers, timeoutMs: CALL_TIMEOUT_MS });
  const posted = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  return http({ url, method, headers: posted, body: form, timeoutMs: CALL_TIMEOUT_MS });
}

/** At a call with our own app token these are about that token, and not about the user's. */
const APP_CODES: ReadonlySet<unknown> = new Set([101, 190]);

/** An error in Graph's shape: its numbers count, its type is told. */
function graphRefusal(
  answer: HttpAnswer,
  error: Readonly<Record<string, unknown>>,
  word?: string,
): ProviderAnswer {
  const { code, type, fbtrace_id: traceId } = error;
  // What `debug_token` tells of a token has the shorter name.
  const subcode = error.error_subcode ?? error.subcode;
  const codes = [code, subcode].filter((one) => typeof one === 'number');
  const known = code === undefined ? undefined : 'OAuthException';
  return refused(answer, word ?? type ?? known, { codes, traceId });
}

function memberOf(
  object: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const value = object[name];
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Seconds since the epoch; 0 is no end. */
function timeOf(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}
