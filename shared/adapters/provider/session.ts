import { readSession, type SessionCredential, writeCredential } from '../../domain/session_credential.js';
import type { Clock, ProviderAnswer } from '../../ports.js';
import type { EasyAuthError } from '../../providers/easy_auth_errors.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import { answered, isStorableText, parseObject } from './answer.js';
import type { ProviderClient } from './client.js';
import { CALL_TIMEOUT_MS, refused, TOO_LARGE } from './profile_answer.js';
import { renewedCookies, sessionEnd } from './session_cookies.js';

interface Deps {
  readonly provider: {
    readonly name: string;
    /** What the access token holds, as Easy Auth asks for it at sign-in: its endpoints do not say. */
    readonly signInScopes: readonly string[];
  };
  /** Where Easy Auth's endpoints are. */
  readonly origin: string;
  /** How long a session lives that does not say so itself, and how long after its end Easy Auth still renews it. */
  readonly sessionMaxSeconds: number;
  readonly sessionGraceSeconds: number;
  readonly http: HttpClient;
  readonly clock: Clock;
}

const PROTOCOL_SCOPES: ReadonlySet<string> = new Set(['openid', 'offline_access']);
/** Used when the store does not say when its access token ends. */
const DEFAULT_LIFE_SECONDS = 300;

/**
 * Single-use refresh tokens stay with Easy Auth alone: the session is renewed at `/.auth/refresh`, which redeems the token under Easy
 * Auth's own lock, and the fresh access token is read from `/.auth/me` (reference/easyauth.md §4).
 */
export function createSessionClient(deps: Deps): ProviderClient {
  const refresh = (credential: string): Promise<ProviderAnswer> =>
    answered(async () => {
      const session = readSession(credential);
      const renewed = await ask(deps, '/.auth/refresh', session);
      if (renewed.status !== 200) return refused(renewed, refreshError(renewed.status));
      const next = nextSession(session, renewed);
      const told = await ask(deps, '/.auth/me', next);
      if (told.status !== 200) return refused(told, refreshError(told.status));
      return tokensOf(deps, told, { next, endsAt: endOf(deps, next, renewed) });
    });
  return {
    refresh,
    prove: refresh,
    // Easy Auth goes on using the refresh token for the user's own session: ending it is the user's, by signing out.
    revoke: async () => 'not_supported',
    check: async () => undefined,
  };
}

function ask({ http, origin }: Deps, path: string, session: SessionCredential): Promise<HttpAnswer> {
  const name = session.carrier === 'token' ? 'x-zumo-auth' : 'cookie';
  const headers = { [name]: session.value, accept: 'application/json' };
  return http({ url: `${origin}${path}`, method: 'GET', headers, timeoutMs: CALL_TIMEOUT_MS });
}

const ERRORS: Readonly<Record<number, EasyAuthError>> = {
  400: 'easy_auth_cannot_refresh',
  401: 'easy_auth_session_ended',
  403: 'easy_auth_refresh_refused',
  404: 'easy_auth_store_off',
};

function refreshError(status: number): string {
  return ERRORS[status] ?? 'easy_auth_trouble';
}

/** The renewed session, in the form it came in; the old one where Easy Auth gives no other. */
function nextSession(session: SessionCredential, { body, setCookies }: HttpAnswer): SessionCredential {
  if (session.carrier === 'cookie') return { ...session, value: renewedCookies(session.value, setCookies) };
  const { authenticationToken } = parseObject(body);
  const given = typeof authenticationToken === 'string' && authenticationToken !== '';
  return given ? { ...session, value: authenticationToken } : session;
}

function endOf(deps: Deps, next: SessionCredential, { setCookies }: HttpAnswer): number {
  const told = sessionEnd(next, setCookies);
  const end = told ?? deps.clock() + deps.sessionMaxSeconds * 1000;
  return end + deps.sessionGraceSeconds * 1000;
}

function tokensOf(
  { provider, clock }: Deps,
  told: HttpAnswer,
  { next, endsAt }: { next: SessionCredential; endsAt: number },
): ProviderAnswer {
  const {
    access_token: accessToken,
    id_token: idToken,
    expires_on: expiresOn,
  } = entryOf(provider.name, told);
  if (typeof accessToken !== 'string' || accessToken === '') return refused(told, 'easy_auth_no_token');
  const credential = writeCredential(next);
  if (!isStorableText(credential) || !isStorableText(accessToken)) return TOO_LARGE;
  const now = clock();
  const end = typeof expiresOn === 'string' ? Date.parse(expiresOn) : Number.NaN;
  const life = Number.isNaN(end) ? DEFAULT_LIFE_SECONDS : Math.floor((end - now) / 1000);
  // A token that outlives the session would be renewed too late: look again half-way to the session's end at the latest.
  const halfWay = Math.floor((endsAt - now) / 2000);
  return {
    ok: true,
    tokens: {
      accessToken,
      expiresIn: Math.max(1, Math.min(life, halfWay)),
      scope: provider.signInScopes.filter((scope) => !PROTOCOL_SCOPES.has(scope)).sort(),
      refreshToken: credential,
      credentialEndsAt: endsAt,
      ...(typeof idToken === 'string' ? { idToken } : {}),
    },
  };
}

/** The entry of the provider in what `/.auth/me` tells: an array with one entry a provider. */
function entryOf(name: string, { body }: HttpAnswer): Readonly<Record<string, unknown>> {
  const { entries } = parseObject(`{"entries":${body || '[]'}}`);
  const all: readonly unknown[] = Array.isArray(entries) ? entries : [];
  const objects = all.filter((entry) => typeof entry === 'object' && entry !== null);
  const found = objects.map((entry): Record<string, unknown> => ({ ...entry }));
  return found.find((entry) => String(entry.provider_name).toLowerCase() === name) ?? {};
}
