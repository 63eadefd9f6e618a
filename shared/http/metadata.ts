import type { HttpHandler } from '@azure/functions';
import { TOKEN_EXCHANGE } from '../grant_types/token_exchange.js';
import type { Policy } from '../policy.js';
import type { Tokens } from '../ports.js';
import { json } from './answers.js';
import { createEndpoint, type EndpointOptions } from './endpoint.js';

const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const TLS_AUTH_METHOD = 'self_signed_tls_client_auth';
const SIGNING_ALGORITHMS = ['ES256', 'PS256', 'RS256', 'EdDSA'];
const CACHEABLE = { 'Cache-Control': 'public, max-age=300' };

/** `GET /.well-known/oauth-authorization-server` (RFC 8414 §2): nothing is listed that is not honoured. */
export function createMetadataHandler(
  deps: { issuer: string; policy: Policy; certificates: boolean },
  options: Pick<EndpointOptions, 'gate' | 'log'>,
): HttpHandler {
  const scopes = [...deps.policy.resources.values()].flatMap((resource) => resource.scope);
  // RFC 9728 §4; its resource identifiers are https addresses, and only servers of minted tokens have this issuer's.
  const servedOverHttps = [...deps.policy.resources]
    .filter(([uri, { narrowing }]) => narrowing === 'minted' && uri.startsWith('https:'))
    .map(([uri]) => uri);
  const methods = deps.certificates ? [...AUTH_METHODS, TLS_AUTH_METHOD] : AUTH_METHODS;
  const document = {
    issuer: deps.issuer,
    token_endpoint: `${deps.issuer}/token`,
    jwks_uri: `${deps.issuer}/jwks`,
    scopes_supported: [...new Set(scopes)].sort(),
    authorization_endpoint: `${deps.issuer}/authorize`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    grant_types_supported: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: SIGNING_ALGORITHMS,
    dpop_signing_alg_values_supported: SIGNING_ALGORITHMS,
    revocation_endpoint: `${deps.issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: SIGNING_ALGORITHMS,
    introspection_endpoint: `${deps.issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: SIGNING_ALGORITHMS,
    ...(servedOverHttps.length > 0 ? { protected_resources: servedOverHttps } : {}),
    ...(deps.certificates ? { tls_client_certificate_bound_access_tokens: true } : {}),
  };
  return createEndpoint({ ...options, errors: 'oauth', methods: ['GET'] }, async () =>
    json(200, document, CACHEABLE),
  );
}

/** `GET /jwks` (RFC 7517 §5): the public halves of the keys that minted tokens are signed with. */
export function createJwksHandler(
  deps: { tokens: Tokens },
  options: Pick<EndpointOptions, 'gate' | 'log'>,
): HttpHandler {
  return createEndpoint({ ...options, errors: 'oauth', methods: ['GET'] }, async () =>
    json(200, await deps.tokens.publicKeys(), CACHEABLE),
  );
}
