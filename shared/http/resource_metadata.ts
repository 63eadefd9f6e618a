import type { HttpHandler } from '@azure/functions';
import { json } from './answers.js';
import { createEndpoint, type EndpointOptions } from './endpoint.js';

const PATH = '/.well-known/oauth-protected-resource';
const CACHEABLE = { 'Cache-Control': 'public, max-age=300' };

export interface ProtectedResource {
  /** The broker's public address: as a resource, what its endpoints for users, auditors and apps are. */
  readonly address: string;
  /** Who issues the tokens these endpoints take. */
  readonly authorizationServers: readonly string[];
  /** What such a token may name as its audience. */
  readonly audiences: readonly string[];
}

/** Where the metadata of a resource at this address is (RFC 9728 §3.1). */
export function resourceMetadataUrl(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${PATH}${pathname === '/' ? '' : pathname}`;
}

/**
 * `GET /.well-known/oauth-protected-resource` (RFC 9728 §3.2): who can issue a token for `/grants`, `/connections` and `/audit/*`. The
 * resources that minted tokens are for are other services, and publish their own.
 */
export function createResourceMetadataHandler(
  { address, authorizationServers, audiences }: ProtectedResource,
  options: Pick<EndpointOptions, 'gate' | 'log'>,
): HttpHandler {
  const scopes = audiences.filter((audience) => URL.canParse(audience)).map((uri) => `${uri}/.default`);
  const document = {
    resource: address,
    resource_name: 'Token broker',
    ...(authorizationServers.length > 0 ? { authorization_servers: authorizationServers } : {}),
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ['header'],
  };
  return createEndpoint({ ...options, errors: 'problem', methods: ['GET'] }, async () =>
    json(200, document, CACHEABLE),
  );
}
