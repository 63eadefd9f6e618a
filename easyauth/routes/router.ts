import type { Incoming } from '../http/incoming.js';
import { jsonReply, type Reply } from '../http/reply.js';
import { version } from '../version.js';
import { callback } from './callback.js';
import type { Route, RouteContext } from './context.js';
import { iframeReceiver } from './iframe_receiver.js';
import { login } from './login.js';
import { loginDone } from './login_done.js';
import { loggedOut, logout } from './logout.js';
import { me } from './me.js';
import { nativeToken } from './native_token.js';
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
  ['login/iframereceiver', iframeReceiver],
  ['version', versionRoute],
]);

const providerRoutes = { '': login, '/callback': callback, '/token': nativeToken } as const;

/** Answers a path under the prefix; undefined when it is no route (reference §1). */
export function answerRoute(
  context: RouteContext,
  incoming: Incoming,
  route: string,
): Promise<Reply> | Reply | undefined {
  const name = route.toLowerCase();
  const handler = fixed.get(name);
  if (handler !== undefined) return handler(context, incoming);
  const [, alias = '', tail = ''] = /^login\/(\w+)(\/callback|\/token)?$/.exec(name) ?? [];
  const named = [...context.providers.values()].find(
    (provider) => provider.alias.toLowerCase() === alias || provider.otherNames.includes(alias),
  );
  if (named === undefined) return undefined;
  const kind = tail === '/callback' || tail === '/token' ? tail : '';
  return providerRoutes[kind](context, incoming, named);
}
