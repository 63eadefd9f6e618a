import type { OtherProvider } from '../../config.js';
import type { ProviderAnswer } from '../../ports.js';
import { github } from '../../providers/github.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import { answered, parseObject } from './answer.js';
import type { ProviderClient } from './client.js';
import { alive, CALL_TIMEOUT_MS, ENDLESS_SECONDS, refused } from './profile_answer.js';

interface Deps {
  readonly settings: Pick<OtherProvider, 'apiUrl' | 'issuer' | 'clientId' | 'clientSecret'>;
  readonly http: HttpClient;
}

/** GitHub refuses calls without a User-Agent. */
const HEADERS = { accept: 'application/vnd.github+json', 'user-agent': 'easyauth-token-broker' };

/**
 * A GitHub OAuth app's access token: there is nothing to refresh, so it is used, which also keeps it from dying unused. Taking it over asks
 * GitHub's own check whether it was issued to this app.
 */
export function createGitHubClient({ settings, http }: Deps): ProviderClient {
  const { apiUrl, clientId, clientSecret } = settings;
  const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  const ofApp = (method: 'POST' | 'DELETE', token: string): Promise<HttpAnswer> =>
    http({
      url: `${apiUrl}/applications/${encodeURIComponent(clientId)}/token`,
      method,
      headers: { ...HEADERS, authorization: basic, 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: token }),
      timeoutMs: CALL_TIMEOUT_MS,
    });
  return {
    refresh: (token) =>
      answered(async () => {
        const headers = { ...HEADERS, authorization: `Bearer ${token}` };
        const answer = await http({
          url: `${apiUrl}/user`,
          method: 'GET',
          headers,
          timeoutMs: CALL_TIMEOUT_MS,
        });
        const scope = answer.headers['x-oauth-scopes'] ?? '';
        const found = { token, user: parseObject(answer.body), scope, settings };
        return answer.status === 200 ? living(answer, found) : refused(answer, userError(answer));
      }),
    prove: (token) =>
      answered(async () => {
        const answer = await ofApp('POST', token);
        if (answer.status !== 200) return refused(answer, appError(answer));
        const { user, scopes, expires_at: expiresAt } = parseObject(answer.body);
        if (typeof expiresAt === 'string') return refused(answer, 'expiring_token');
        const scope = Array.isArray(scopes) ? scopes.filter((one) => typeof one === 'string').join(' ') : '';
        return living(answer, { token, user: parseObject(JSON.stringify(user ?? {})), scope, settings });
      }),
    async revoke(token) {
      const answer = await ofApp('DELETE', token).catch(() => undefined);
      // 404: it is no token of this app any more.
      return answer?.status === 204 || answer?.status === 404 ? 'revoked' : 'failed';
    },
    check: async () => undefined,
  };
}

function living(
  answer: HttpAnswer,
  found: {
    readonly token: string;
    readonly user: Readonly<Record<string, unknown>>;
    readonly scope: string;
    readonly settings: Deps['settings'];
  },
): ProviderAnswer {
  const { id } = found.user;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return refused(answer, 'unreadable_answer');
  return alive({
    accessToken: found.token,
    credential: found.token,
    subject: { provider: 'github', tenant: found.settings.issuer, id: String(id) },
    scope: github.grantedScope(found.scope, undefined),
    expiresIn: ENDLESS_SECONDS,
  });
}

/** The API says by status alone what the token endpoint says by words; both kinds are in one table. */
function userError(answer: HttpAnswer): unknown {
  if (answer.status === 401) return 'bad_credentials';
  if (answer.status === 403) return isRateLimit(answer) ? 'rate_limited' : 'account_refused';
  return parseObject(answer.body).error;
}

function appError(answer: HttpAnswer): unknown {
  if (answer.status === 401) return 'incorrect_client_credentials';
  if (answer.status === 404) return 'token_not_found';
  if (answer.status === 403) return 'rate_limited';
  return parseObject(answer.body).error;
}

function isRateLimit({ headers }: HttpAnswer): boolean {
  return headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined;
}
