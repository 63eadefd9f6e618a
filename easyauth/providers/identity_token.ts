import { isRecord } from '../config/reader.js';
import type { IdentityEndpoint } from '../config/settings.js';
import { ProviderError } from '../errors.js';
import type { ProviderHttp } from './openid/provider_http.js';

export interface IdentityToken {
  readonly token: string;
  /** Milliseconds since 1970; undefined when the endpoint does not say. */
  readonly expiresAt: number | undefined;
}

/**
 * A token of the app's managed identity (App Service REST reference, 2019-08-01).
 * @param which the `resource` it is for, and which identity: `client_id`, `mi_res_id`, or none for the system's own
 * @throws ProviderError
 */
export async function identityToken(
  http: ProviderHttp,
  { endpoint, header }: IdentityEndpoint,
  which: Readonly<Record<string, string>>,
): Promise<IdentityToken> {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(which)) url.searchParams.set(name, value);
  url.searchParams.set('api-version', '2019-08-01');
  const { status, body } = await http.get(url.href, { 'x-identity-header': header.reveal() });
  const token = isRecord(body) ? body.access_token : undefined;
  if (status !== 200 || !isRecord(body) || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    const kind = status >= 500 || status === 429 ? 'unreachable' : 'misconfigured';
    throw new ProviderError(kind, `the managed identity endpoint answers ${status} without a token`);
  }
  const seconds = Number(body.expires_on);
  return { token, expiresAt: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined };
}
