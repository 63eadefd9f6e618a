import type { OtherProvider } from '../../config.js';
import { readTokenPair } from '../../domain/session_credential.js';
import type { Clock, ProviderAnswer, Random } from '../../ports.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import { answered, parseObject } from './answer.js';
import type { ProviderClient } from './client.js';
import { oauth1Header } from './oauth1.js';
import { alive, CALL_TIMEOUT_MS, ENDLESS_SECONDS, refused } from './profile_answer.js';

interface Deps {
  readonly settings: Pick<OtherProvider, 'apiUrl' | 'issuer' | 'clientId' | 'clientSecret'>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
}

/** X by OAuth 1.0a: asking for the profile with both secrets proves that the pair lives, whose it is, and that it is this app's. */
export function createTwitterClient(deps: Deps): ProviderClient {
  const refresh = (credential: string): Promise<ProviderAnswer> =>
    answered(async () => {
      const answer = await call(deps, 'GET', '/1.1/account/verify_credentials.json', credential);
      const body = parseObject(answer.body);
      if (answer.status !== 200) return refused(answer, 'api_error', { codes: codesOf(body) });
      const { id_str: id } = body;
      if (typeof id !== 'string' || id === '') return refused(answer, 'unreadable_answer');
      return alive({
        accessToken: readTokenPair(credential).token,
        credential,
        subject: { provider: 'twitter', tenant: deps.settings.issuer, id },
        scope: [],
        expiresIn: ENDLESS_SECONDS,
      });
    });
  return {
    refresh,
    prove: refresh,
    async revoke(credential) {
      const answer = await call(deps, 'POST', '/1.1/oauth/invalidate_token', credential).catch(
        () => undefined,
      );
      const over = answer !== undefined && codesOf(parseObject(answer.body)).includes(89);
      return answer?.status === 200 || over ? 'revoked' : 'failed';
    },
    check: async () => undefined,
  };
}

function call(deps: Deps, method: 'GET' | 'POST', path: string, credential: string): Promise<HttpAnswer> {
  const { settings, http, clock, random } = deps;
  const url = `${settings.apiUrl}${path}`;
  const authorization = oauth1Header({
    method,
    url,
    consumer: { token: settings.clientId, secret: settings.clientSecret },
    user: readTokenPair(credential),
    nonce: random.uuid().replaceAll('-', ''),
    timestamp: Math.floor(clock() / 1000),
  });
  const headers = { authorization, accept: 'application/json' };
  return http({ url, method, headers, timeoutMs: CALL_TIMEOUT_MS });
}

function codesOf({ errors }: Readonly<Record<string, unknown>>): readonly number[] {
  if (!Array.isArray(errors)) return [];
  const codes: unknown[] = errors.map((error: unknown) =>
    typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined,
  );
  return codes.filter((code) => typeof code === 'number');
}
