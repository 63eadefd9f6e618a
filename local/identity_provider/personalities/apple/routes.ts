import { jsonReply, type Reply } from '../../http/reply.js';
import type { Route } from '../../http/router.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { recorded } from '../kit/refusal.js';
import { signInRoutes } from '../kit/sign_in.js';
import { appleFlow } from './authorize.js';
import { appleRevoke, appleToken } from './token.js';

const PUBLIC = { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' };

function discovery(kit: Kit): Reply {
  const base = baseOf(kit, 'apple');
  const document = {
    issuer: base,
    authorization_endpoint: `${base}/auth/authorize`,
    token_endpoint: `${base}/auth/token`,
    revocation_endpoint: `${base}/auth/revoke`,
    jwks_uri: `${base}/auth/keys`,
    response_types_supported: ['code', 'code id_token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'name'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    claims_supported: [
      'aud',
      'email',
      'email_verified',
      'exp',
      'iat',
      'is_private_email',
      'iss',
      'nonce',
      'nonce_supported',
      'sub',
    ],
  };
  return jsonReply(200, document, PUBLIC);
}

/** Apple, under `/apple`. */
export function appleRoutes(kit: Kit): readonly Route[] {
  const keys = (): Reply =>
    jsonReply(200, { keys: kit.core.keys.published().map((key) => ({ ...key, alg: 'RS256' })) }, PUBLIC);
  const token = recorded(kit, 'apple', {
    grant: 'other',
    endpoint: (incoming, heard) => appleToken(kit, incoming, heard),
  });
  const revoke = recorded(kit, 'apple', {
    grant: 'revoke',
    endpoint: (incoming, heard) => appleRevoke(kit, incoming, heard),
  });
  return [
    { path: '/apple/.well-known/openid-configuration', methods: { GET: () => discovery(kit) } },
    { path: '/apple/auth/keys', methods: { GET: keys } },
    ...signInRoutes(kit, appleFlow(kit), ['/apple/auth/authorize']),
    { path: '/apple/auth/token', methods: { POST: token } },
    { path: '/apple/auth/revoke', methods: { POST: revoke } },
  ];
}
