import type { Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import type { Handler, PathParams, Route } from '../../http/router.js';
import type { Kit } from '../kit/kit.js';
import { pictureRoute } from '../kit/picture.js';
import { recorded, refusing } from '../kit/refusal.js';
import { signInRoutes } from '../kit/sign_in.js';
import { checkToken, emails, remove, user } from './api.js';
import { githubFlow } from './authorize.js';
import { githubToken } from './token.js';

type Endpoint = (kit: Kit, incoming: Incoming, params: PathParams) => Reply;

/** GitHub's sign-in and the parts of its API about who signed in, under `/github`. */
export function githubRoutes(kit: Kit): readonly Route[] {
  const api = (endpoint: Endpoint): Handler =>
    refusing((incoming, params) => endpoint(kit, incoming, params));
  const removing = (what: 'token' | 'grant'): Handler =>
    recorded(kit, 'github', {
      grant: `remove_${what}`,
      endpoint: (incoming, heard, { client = '' }) => remove(kit, incoming, { what, client, heard }),
    });
  const token = recorded(kit, 'github', {
    grant: 'other',
    endpoint: (incoming, heard) => githubToken(kit, incoming, heard),
  });
  return [
    ...signInRoutes(kit, githubFlow(kit), ['/github/login/oauth/authorize']),
    pictureRoute(kit, '/github/picture'),
    { path: '/github/login/oauth/access_token', methods: { POST: token } },
    { path: '/github/user', methods: { GET: api(user) } },
    { path: '/github/user/emails', methods: { GET: api(emails) } },
    {
      path: '/github/applications/:client/token',
      methods: { POST: api(checkToken), DELETE: removing('token') },
    },
    { path: '/github/applications/:client/grant', methods: { DELETE: removing('grant') } },
  ];
}
