import type { Core } from '../core.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { PathParams } from '../http/router.js';
import { issuerOf, readTenant, type TenantPath } from './tenants.js';

const PUBLIC = { 'access-control-allow-origin': '*', 'cache-control': 'max-age=300' };

/** On `common` the issuer holds the literal `{tenantid}`, for the caller to fill from a token's `tid`. */
function issuerFor(core: Core, path: TenantPath, version: 1 | 2): string {
  return issuerOf(core, path.tenant?.tid ?? '{tenantid}', version);
}

/** Provider metadata (OpenID Connect Discovery §3) of a tenant. Version 1 differs in the issuer only. */
export function discoveryDocument(core: Core, { tenant = '' }: PathParams, version: 1 | 2): Reply {
  const path = readTenant(core.directory, tenant);
  const base = `${core.baseUrl}/${path.tenant?.tid ?? path.segment}`;
  const document = {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: issuerFor(core, path, version),
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${core.baseUrl}/graph/oidc/userinfo`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    http_logout_supported: true,
    frontchannel_logout_supported: false,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'nbf',
      'auth_time',
      'acr',
      'nonce',
      'name',
      'tid',
      'oid',
      'ver',
      'preferred_username',
      'email',
      'c_hash',
      'sid',
    ],
    tenant_region_scope: null,
    cloud_instance_name: new URL(core.baseUrl).host,
  };
  return jsonReply(200, document, PUBLIC);
}

/** The published signing keys, each with the issuer it signs for. Their order means nothing. */
export function keysDocument(core: Core, { tenant = '' }: PathParams): Reply {
  const issuer = issuerFor(core, readTenant(core.directory, tenant), 2);
  return jsonReply(200, { keys: core.keys.published().map((key) => ({ ...key, issuer })) }, PUBLIC);
}
