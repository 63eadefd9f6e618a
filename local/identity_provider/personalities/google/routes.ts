import { htmlReply } from '../../http/html.js';
import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply, redirectReply } from '../../http/reply.js';
import type { Route } from '../../http/router.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { pictureRoute } from '../kit/picture.js';
import { recorded, refusing } from '../kit/refusal.js';
import { clearedSession } from '../kit/session.js';
import { signInRoutes } from '../kit/sign_in.js';
import { googleFlow } from './authorize.js';
import { googleToken } from './token.js';
import { googleRevoke, googleTokenInfo, googleUserInfo } from './token_info.js';

const PUBLIC = { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' };

function discovery(kit: Kit): Reply {
  const base = baseOf(kit, 'google');
  return jsonReply(
    200,
    {
      issuer: base,
      authorization_endpoint: `${base}/o/oauth2/v2/auth`,
      token_endpoint: `${base}/token`,
      userinfo_endpoint: `${base}/v1/userinfo`,
      revocation_endpoint: `${base}/revoke`,
      jwks_uri: `${base}/oauth2/v3/certs`,
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid', 'email', 'profile'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
      claims_supported: [
        'aud',
        'email',
        'email_verified',
        'exp',
        'family_name',
        'given_name',
        'hd',
        'iat',
        'iss',
        'name',
        'picture',
        'sub',
      ],
      code_challenge_methods_supported: ['plain', 'S256'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
    },
    PUBLIC,
  );
}

function mayReturnTo(kit: Kit, target: string): boolean {
  if (!URL.canParse(target)) return false;
  const apps = kit.core.directory.file.social?.apps ?? [];
  const { origin } = new URL(target);
  const known = apps
    .filter((app) => app.personality === 'google')
    .flatMap((app) => app.redirect_uris.map((uri) => new URL(uri).origin));
  return origin !== 'null' && known.includes(origin);
}

/** Ends the browser's session; goes on to `continue` when that is on the origin of a registered redirect URI. */
function logout(kit: Kit, { query }: Incoming): Reply {
  const headers = { 'set-cookie': clearedSession(kit, 'google') };
  const target = query.get('continue');
  if (target !== null && mayReturnTo(kit, target)) return redirectReply(target, headers);
  return htmlReply({ title: 'Signed out', main: '<h1>You are signed out</h1>', headers });
}

/** Google, under `/google`. */
export function googleRoutes(kit: Kit): readonly Route[] {
  const info = refusing((incoming) => googleTokenInfo(kit, incoming));
  const user = refusing((incoming) => googleUserInfo(kit, incoming));
  const revoke = recorded(kit, 'google', {
    grant: 'revoke',
    endpoint: (incoming, heard) => googleRevoke(kit, incoming, heard),
  });
  const token = recorded(kit, 'google', {
    grant: 'other',
    endpoint: (incoming, heard) => googleToken(kit, incoming, heard),
  });
  const keys = (): Reply =>
    jsonReply(200, { keys: kit.core.keys.published().map((key) => ({ ...key, alg: 'RS256' })) }, PUBLIC);
  return [
    { path: '/google/.well-known/openid-configuration', methods: { GET: () => discovery(kit) } },
    { path: '/google/oauth2/v3/certs', methods: { GET: keys } },
    ...signInRoutes(kit, googleFlow(kit), ['/google/o/oauth2/v2/auth']),
    pictureRoute(kit, '/google/picture'),
    { path: '/google/token', methods: { POST: token } },
    { path: '/google/revoke', methods: { GET: revoke, POST: revoke } },
    { path: '/google/tokeninfo', methods: { GET: info, POST: info } },
    { path: '/google/v1/userinfo', methods: { GET: user, POST: user } },
    { path: '/google/logout', methods: { GET: (incoming) => logout(kit, incoming) } },
  ];
}
