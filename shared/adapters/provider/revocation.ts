import { parseObject } from './answer.js';
import type { ProviderClient } from './client.js';
import { CALL_TIMEOUT_MS } from './profile_answer.js';
import type { TokenProvider } from './provider.js';
import type { TokenClientDeps } from './token_client.js';

/** RFC 7009 at the endpoint the metadata names, authenticating as the app registration the token was issued to. */
export async function revoke(
  { settings, rules, documents }: TokenProvider,
  { http, credentialForm }: TokenClientDeps,
  refreshToken: string,
): ReturnType<ProviderClient['revoke']> {
  if (rules.revocation !== 'rfc7009') return 'not_supported';
  try {
    const { revocationEndpoint } = await documents.metadata.get();
    if (revocationEndpoint === undefined) return 'not_supported';
    const form = new URLSearchParams({
      token: refreshToken,
      token_type_hint: 'refresh_token',
      client_id: settings.clientId,
      ...(await credentialForm(settings.credential, settings.issuer)),
    });
    const answer = await http({
      url: revocationEndpoint,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.toString(),
      timeoutMs: CALL_TIMEOUT_MS,
    });
    // RFC 7009 §2.2 answers 200 for a token that is over already; Google says `invalid_token`.
    const over = parseObject(answer.body).error === 'invalid_token';
    return answer.status === 200 || over ? 'revoked' : 'failed';
  } catch {
    return 'failed';
  }
}
