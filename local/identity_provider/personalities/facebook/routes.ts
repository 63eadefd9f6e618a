import type { Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import type { Handler, PathParams, Route } from '../../http/router.js';
import type { Kit } from '../kit/kit.js';
import { pictureRoute } from '../kit/picture.js';
import { recorded, refusing } from '../kit/refusal.js';
import { signInRoutes } from '../kit/sign_in.js';
import { facebookFlow, isVersion } from './dialog.js';
import { facebookRefusal } from './errors.js';
import { debugToken, me, permissions, removePermissions } from './graph.js';
import { facebookToken } from './token.js';

type Endpoint = (kit: Kit, incoming: Incoming, params: PathParams) => Reply | Promise<Reply>;

function checkVersion({ version }: PathParams): void {
  if (!isVersion(version)) throw facebookRefusal('unknownPath');
}

/** One path with and without the version before it. */
function both(path: string, methods: Readonly<Record<string, Handler>>): readonly Route[] {
  return [`/facebook/:version${path}`, `/facebook${path}`].map((full) => ({ path: full, methods }));
}

/** Facebook's dialog and Graph, under `/facebook`, with a version such as `v3.3` or without. */
export function facebookRoutes(kit: Kit): readonly Route[] {
  const graph = (endpoint: Endpoint): Handler =>
    refusing((incoming, params) => {
      checkVersion(params);
      return endpoint(kit, incoming, params);
    });
  const token = recorded(kit, 'facebook', {
    grant: 'other',
    endpoint: (incoming, heard, params) => {
      checkVersion(params);
      return facebookToken(kit, incoming, heard);
    },
  });
  const remove = recorded(kit, 'facebook', {
    grant: 'remove_permissions',
    endpoint: (incoming, _, params) => {
      checkVersion(params);
      return removePermissions(kit, incoming, params);
    },
  });
  return [
    ...signInRoutes(kit, facebookFlow(kit), ['/facebook/:version/dialog/oauth', '/facebook/dialog/oauth']),
    pictureRoute(kit, '/facebook/picture'),
    ...both('/oauth/access_token', { GET: token, POST: token }),
    ...both('/me', { GET: graph(me), POST: graph(me) }),
    ...both('/debug_token', { GET: graph(debugToken) }),
    ...both('/:user/permissions', { GET: graph(permissions), DELETE: remove }),
    ...both('/:user/permissions/:permission', { DELETE: remove }),
  ];
}
