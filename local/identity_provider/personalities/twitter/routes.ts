import type { Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import type { Handler, Route } from '../../http/router.js';
import type { Kit } from '../kit/kit.js';
import { pictureRoute } from '../kit/picture.js';
import { type Heard, recorded, refusing } from '../kit/refusal.js';
import { signInRoutes } from '../kit/sign_in.js';
import { invalidateToken, verifyCredentials } from './api.js';
import { twitterFlow } from './authorize.js';
import { accessToken, requestToken } from './tokens.js';

type Endpoint = (kit: Kit, incoming: Incoming, heard: Heard) => Promise<Reply>;

/** Twitter with OAuth 1.0a, under `/twitter`. */
export function twitterRoutes(kit: Kit): readonly Route[] {
  const call = (grant: string, endpoint: Endpoint): Handler =>
    recorded(kit, 'twitter', { grant, endpoint: (incoming, heard) => endpoint(kit, incoming, heard) });
  const credentials = refusing((incoming) => verifyCredentials(kit, incoming));
  const request = call('request_token', requestToken);
  const access = call('access_token', accessToken);
  return [
    { path: '/twitter/oauth/request_token', methods: { POST: request, GET: request } },
    ...signInRoutes(kit, twitterFlow(kit), ['/twitter/oauth/authenticate', '/twitter/oauth/authorize']),
    { path: '/twitter/oauth/access_token', methods: { POST: access, GET: access } },
    { path: '/twitter/1.1/account/verify_credentials.json', methods: { GET: credentials } },
    {
      path: '/twitter/1.1/oauth/invalidate_token',
      methods: { POST: call('invalidate_token', invalidateToken) },
    },
    pictureRoute(kit, '/twitter/picture'),
  ];
}
