import { isRecord } from '../../config/reader.js';
import { secureUrlFault } from '../../config/values.js';
import { ProviderError } from '../../errors.js';
import type { ProviderHttp } from './provider_http.js';

/** What the gateway needs of a provider's discovery document (OpenID Connect Discovery 1.0 §3). */
export interface Metadata {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly endSessionEndpoint: string | undefined;
}

function endpoint(document: Record<string, unknown>, name: string): string | undefined {
  const value = document[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && secureUrlFault(value) === undefined) return value;
  throw new ProviderError('unreachable', `discovery: ${name} is not an acceptable URL`);
}

function required(document: Record<string, unknown>, name: string): string {
  const value = endpoint(document, name);
  if (value === undefined) throw new ProviderError('unreachable', `discovery: ${name} is missing`);
  return value;
}

/**
 * Loads and checks the discovery document of `issuer`.
 * @param acceptIssuer whether the issuer named in the document is the expected one
 * @throws ProviderError `unreachable`
 */
export async function loadMetadata(
  http: ProviderHttp,
  issuer: string,
  acceptIssuer: (named: string) => boolean,
): Promise<Metadata> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { status, body } = await http.get(url);
  if (status !== 200 || !isRecord(body))
    throw new ProviderError('unreachable', `discovery answers ${status} without a document`);
  const named = body.issuer;
  if (typeof named !== 'string' || !acceptIssuer(named))
    throw new ProviderError('unreachable', 'discovery names another issuer');
  return {
    issuer: named,
    authorizationEndpoint: required(body, 'authorization_endpoint'),
    tokenEndpoint: required(body, 'token_endpoint'),
    jwksUri: required(body, 'jwks_uri'),
    endSessionEndpoint: endpoint(body, 'end_session_endpoint'),
  };
}
