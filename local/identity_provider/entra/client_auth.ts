import { createHash, timingSafeEqual } from 'node:crypto';
import type { Core } from '../core.js';
import type { App, Secret } from '../directory/types.js';
import { headerOf, type Incoming } from '../http/incoming.js';
import type { ClientProof } from './claims.js';
import { ASSERTION_TYPE, assertedClient, checkClientAssertion } from './client_assertion.js';
import { EntraError } from './errors.js';
import type { Params } from './form.js';
import { findClient, type TenantPath } from './tenants.js';

export type AuthenticatedClient = Readonly<{ client: App; proof: ClientProof }>;
type Basic = Readonly<{ id: string; secret: string }>;
type Credential = Readonly<{ id: string; secret: string | undefined; assertion: string | undefined }>;

const decodeForm = (half: string): string => decodeURIComponent(half.replaceAll('+', ' '));

/** Reads HTTP Basic client credentials, both halves form-encoded (RFC 6749 §2.3.1); undefined without such a header. */
export function readBasic(header: string | undefined): Basic | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  try {
    return { id: decodeForm(text.slice(0, colon)), secret: decodeForm(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}

function readCredential(core: Core, incoming: Incoming, params: Params): Credential {
  const basic = readBasic(headerOf(incoming, 'authorization'));
  const bodySecret = params.get('client_secret');
  const assertion = params.get('client_assertion');
  const ways = [basic, bodySecret, assertion].filter((way) => way !== undefined);
  if (ways.length > 1) throw new EntraError('malformed');
  if (assertion !== undefined && params.required('client_assertion_type') !== ASSERTION_TYPE) {
    throw new EntraError('malformed');
  }
  const implied = basic?.id ?? (assertion === undefined ? undefined : assertedClient(core, assertion));
  const id = params.get('client_id') ?? implied;
  if (id === undefined) throw new EntraError('missingParameter', { name: 'client_id' });
  if (basic !== undefined && basic.id !== id) throw new EntraError('malformed');
  return { id, secret: basic?.secret ?? bodySecret, assertion };
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function checkSecret(client: App, given: string, now: number): void {
  const textOf = (secret: Secret): string => (typeof secret === 'string' ? secret : secret.value);
  const matching = client.secrets.filter((secret) => sameText(textOf(secret), given));
  if (matching.length === 0) throw new EntraError('wrongSecret', { client: client.app_id });
  const isLive = (secret: Secret): boolean =>
    typeof secret === 'string' || secret.expires === undefined || Date.parse(secret.expires) > now;
  if (!matching.some(isLive)) throw new EntraError('expiredSecret', { client: client.app_id });
}

/** Whether an app has no credential at all, and so calls without one. */
export function isPublicClient({ secrets, keys = [], federated_credentials: federated = [] }: App): boolean {
  return secrets.length + keys.length + federated.length === 0;
}

/**
 * Authenticates the client of a token request by exactly one way: secret in the body, HTTP Basic, or assertion.
 * A public client must come with none.
 * @throws EntraError
 */
export async function authenticateClient(
  core: Core,
  path: TenantPath,
  request: Readonly<{ incoming: Incoming; params: Params }>,
): Promise<AuthenticatedClient> {
  const { id, secret, assertion } = readCredential(core, request.incoming, request.params);
  const client = findClient(core.directory, path, id);
  const isPublic = isPublicClient(client);
  if (secret === undefined && assertion === undefined) {
    if (isPublic) return { client, proof: '0' };
    throw new EntraError('missingCredential');
  }
  if (isPublic) throw new EntraError('publicClientCredential');
  if (assertion !== undefined) {
    await checkClientAssertion(assertion, { core, path, client });
    return { client, proof: '2' };
  }
  checkSecret(client, secret ?? '', core.now());
  return { client, proof: '1' };
}
