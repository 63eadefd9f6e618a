import { isRecord } from '../../config/reader.js';
import { secureUrlFault } from '../../config/values.js';
import { ProviderError } from '../../errors.js';
import type { Log } from '../../log.js';
import { type Cached, createCached } from './cached.js';
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
 * Loads and checks a discovery document.
 * @param acceptIssuer whether the issuer named in the document is the expected one
 * @throws ProviderError `unreachable`
 */
export async function loadMetadata(
  http: ProviderHttp,
  url: string,
  acceptIssuer: (named: string) => boolean,
): Promise<Metadata> {
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

interface MetadataOptions {
  readonly http: ProviderHttp;
  /** The address of the document. */
  readonly url: string;
  /** Absent when the configured address alone decides which issuer it is. */
  readonly acceptIssuer?: (named: string) => boolean;
  readonly now: () => number;
  readonly log: Log;
}

/** The discovery document of a provider, kept for an hour and over outages. */
export function createMetadata(options: MetadataOptions): Cached<Metadata> {
  const { http, url, acceptIssuer = () => true, now, log } = options;
  const load = () => loadMetadata(http, url, acceptIssuer);
  return createCached({ what: 'discovery', load, freshMs: 3_600_000, cooldownMs: 5_000, now, log });
}
