import type { JSONWebKeySet } from 'jose';
import type { ProviderSettings } from '../../config.js';
import type { Clock } from '../../ports.js';
import type { HttpClient } from '../http_client.js';
import { createRemoteDocument, type RemoteDocument } from '../remote_document.js';

/** The part of a provider's discovery document that the broker uses (OpenID Connect Discovery 1.0 §3). */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly userinfoEndpoint?: string;
  readonly revocationEndpoint?: string;
}

/** Whose metadata it is, and which hosts besides the issuer's own it may name. */
type Trusted = Pick<ProviderSettings, 'issuer' | 'tenant'> & { readonly trustedOrigins?: readonly string[] };

export interface ProviderDocuments {
  readonly metadata: RemoteDocument<ProviderMetadata>;
  readonly keys: RemoteDocument<JSONWebKeySet>;
}

const HOUR = 3_600_000;
const TIMING = { freshMs: HOUR, staleMs: 24 * HOUR, cooldownMs: 30_000 };
const TIMEOUT_MS = 5000;

/** A provider's metadata and keys: refreshed hourly, good for a day while the provider is away. */
export function createProviderDocuments(
  settings: Trusted,
  deps: { http: HttpClient; clock: Clock },
): ProviderDocuments {
  const { http, clock } = deps;
  const metadata = createRemoteDocument({
    ...TIMING,
    clock,
    load: async () => {
      const url = `${settings.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
      return readMetadata(await getJson(http, url), settings);
    },
  });
  const keys = createRemoteDocument({
    ...TIMING,
    clock,
    load: async () => readKeys(await getJson(http, (await metadata.get()).jwksUri), settings),
  });
  return { metadata, keys };
}

async function getJson(http: HttpClient, url: string): Promise<Record<string, unknown>> {
  const answer = await http({ url, method: 'GET', timeoutMs: TIMEOUT_MS });
  if (answer.status !== 200) throw new Error(`${new URL(url).pathname} answered ${answer.status}`);
  const value: unknown = JSON.parse(answer.body);
  if (typeof value !== 'object' || value === null) throw new Error('the document is not a JSON object');
  return { ...value };
}

function readMetadata(document: Record<string, unknown>, from: Trusted): ProviderMetadata {
  const { issuer, userinfo_endpoint: userinfo, revocation_endpoint: revocation } = document;
  if (issuer !== from.issuer) throw new Error('the issuer in the metadata is not the configured one');
  return {
    issuer: from.issuer,
    tokenEndpoint: trusted(document.token_endpoint, from),
    jwksUri: trusted(document.jwks_uri, from),
    ...(userinfo === undefined || !isTrusted(userinfo, from) ? {} : { userinfoEndpoint: userinfo }),
    ...(revocation === undefined || !isTrusted(revocation, from) ? {} : { revocationEndpoint: revocation }),
  };
}

/** Credentials go to these addresses: they stay with the issuer's own host and those the settings name, whatever a document says. */
function trusted(url: unknown, from: Trusted): string {
  if (!isTrusted(url, from)) throw new Error('the metadata names an address outside the issuer');
  return url;
}

function isTrusted(url: unknown, { issuer, trustedOrigins = [] }: Trusted): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  return [new URL(issuer).origin, ...trustedOrigins].includes(new URL(url).origin);
}

/** Entra publishes keys of several issuers in one set and says with each whose tokens it signs: one of another issuer is none for us. */
function readKeys(document: Record<string, unknown>, { issuer, tenant }: Trusted): JSONWebKeySet {
  const { keys } = document;
  const usable = Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null);
  if (!usable) throw new Error('the key set has no keys');
  const ours = ({ issuer: signsFor }: { issuer?: unknown }) =>
    signsFor === undefined ||
    (typeof signsFor === 'string' && signsFor.replaceAll('{tenantid}', tenant) === issuer);
  return { keys: keys.filter(ours) };
}
