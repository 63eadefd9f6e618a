import type { Incoming } from '../http/incoming.js';
import { emptyReply, jsonReply, type Reply } from '../http/reply.js';
import { version } from '../version.js';
import { callback } from './callback.js';
import type { Route, RouteContext } from './context.js';
import { login, loginDone } from './login.js';
import { loggedOut, logout } from './logout.js';
import { me } from './me.js';
import { refresh } from './refresh.js';

const versionRoute: Route = ({ settings }) => {
  const pinned = /^\d+\.\d+\.\d+$/.test(settings.runtimeVersion) ? settings.runtimeVersion : version;
  return jsonReply(JSON.stringify({ version: pinned }));
};

const fixed: ReadonlyMap<string, Route> = new Map([
  ['me', me],
  ['refresh', refresh],
  ['logout', logout],
  ['logout/complete', loggedOut],
  ['logout/done', loggedOut],
  ['login/done', loginDone],
  ['version', versionRoute],
]);

/** Answers a path under the prefix. What is no route is a 404 and never reaches the app (reference §1). */
export function answerRoute(
  context: RouteContext,
  incoming: Incoming,
  route: string,
): Promise<Reply> | Reply {
  const name = route.toLowerCase();
  const handler = fixed.get(name);
  if (handler !== undefined) return handler(context, incoming);
  const [, alias, tail] = /^login\/([\w]+)(\/callback)?$/.exec(name) ?? [];
  const named = [...context.providers.values()].find(
    (provider) => provider.alias === alias || provider.otherNames.includes(alias ?? ''),
  );
  if (named === undefined) return emptyReply(404);
  return tail === undefined ? login(context, incoming, named) : callback(context, incoming, named);
}
