import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import type { Route } from '../../http/router.js';
import { headerToken } from '../kit/bearer.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { pictureRoute } from '../kit/picture.js';
import { recorded, refusing } from '../kit/refusal.js';
import { signInRoutes } from '../kit/sign_in.js';
import { inspectToken } from '../kit/tokens.js';
import { xFlow } from './authorize.js';
import { xProblem } from './errors.js';
import { xRevoke, xToken } from './token.js';

function me(kit: Kit, incoming: Incoming): Reply {
  const inspected = inspectToken(kit, 'x2', { kind: 'access', token: headerToken(incoming) });
  if (inspected.problem !== undefined) throw xProblem(401);
  const { facts, account, app } = inspected.live;
  if (!['users.read', 'tweet.read'].every((scope) => facts.scopes.includes(scope))) throw xProblem(403);
  const data = { id: account.id(app), name: account.user.name, username: account.handle };
  const wanted = (incoming.query.get('user.fields') ?? '').split(',');
  const more = wanted.includes('profile_image_url')
    ? { profile_image_url: `${baseOf(kit, 'x2')}/picture/${account.user.oid}` }
    : {};
  return jsonReply(200, { data: { ...data, ...more } });
}

/** X with OAuth 2.0, under `/x2`. */
export function xRoutes(kit: Kit): readonly Route[] {
  const token = recorded(kit, 'x2', {
    grant: 'other',
    endpoint: (incoming, heard) => xToken(kit, incoming, heard),
  });
  const revoke = recorded(kit, 'x2', {
    grant: 'revoke',
    endpoint: (incoming, heard) => xRevoke(kit, incoming, heard),
  });
  return [
    ...signInRoutes(kit, xFlow(kit), ['/x2/i/oauth2/authorize']),
    pictureRoute(kit, '/x2/picture'),
    { path: '/x2/2/oauth2/token', methods: { POST: token } },
    { path: '/x2/2/oauth2/revoke', methods: { POST: revoke } },
    { path: '/x2/2/users/me', methods: { GET: refusing((incoming) => me(kit, incoming)) } },
  ];
}
