import type { ProviderAnswer } from '../../ports.js';
import type { HttpClient } from '../http_client.js';
import { parseObject } from './answer.js';
import { CALL_TIMEOUT_MS } from './profile_answer.js';
import type { TokenProvider } from './provider.js';

/**
 * A refresh need not bring an ID token (OpenID Connect Core §12.2): then the userinfo endpoint is asked with the new access token, over TLS
 * and at the issuer itself. Whoever cannot be named stays unnamed.
 */
export async function withSubject(
  { settings, rules, documents }: TokenProvider,
  http: HttpClient,
  answer: ProviderAnswer,
): Promise<ProviderAnswer> {
  if (!answer.ok || answer.tokens.idToken !== undefined) return answer;
  const { userinfoEndpoint } = await documents.metadata.get();
  // Where `iss` and `sub` name nobody, userinfo would not either.
  if (userinfoEndpoint === undefined || !rules.subjectOf({ iss: settings.issuer, sub: 'x' })) return answer;
  const headers = { authorization: `Bearer ${answer.tokens.accessToken}`, accept: 'application/json' };
  try {
    const told = await http({ url: userinfoEndpoint, method: 'GET', headers, timeoutMs: CALL_TIMEOUT_MS });
    const { sub } = told.status === 200 ? parseObject(told.body) : {};
    const subject = rules.subjectOf({ iss: settings.issuer, sub });
    return subject ? { ok: true, tokens: { ...answer.tokens, subject } } : answer;
  } catch {
    return answer;
  }
}
