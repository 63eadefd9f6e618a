import { substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import { createExclusions, routeUnder } from '../http/paths.js';
import { emptyReply, type Reply, redirectReply, textReply } from '../http/reply.js';
import { type Principal, principalHeaders } from '../identity/principal.js';
import { reportedName } from '../identity/reported_name.js';
import type { RouteContext } from '../routes/context.js';
import { logout } from '../routes/logout.js';
import { resourceMetadata } from '../routes/resource_metadata.js';
import { answerRoute } from '../routes/router.js';
import { type Caller, identify } from './caller.js';
import { unauthenticatedReply } from './unauthenticated.js';

/** What becomes of a request: an answer of the gateway, or the way to the app with these headers added, as a user of a provider. */
export type Decision =
  | { readonly reply: Reply; readonly inject?: undefined }
  | { readonly inject: readonly string[]; readonly as: string; readonly reply?: undefined };

const asNobody: Decision = { inject: [], as: 'nobody' };

export type Gate = (incoming: Incoming) => Promise<Decision>;

type Known = Exclude<Caller, { kind: 'anonymous' | 'unavailable' }>;

/** Why a known caller is not let through with its identity; undefined when it is. */
function objection(context: RouteContext, incoming: Incoming, caller: Known): Reply | undefined {
  const provider = context.providers.get(caller.principal.provider);
  if (provider?.admits(caller.principal, caller.kind) !== true)
    return emptyReply(403, { substatus: substatus.authorizationCheckFailed });
  if (caller.kind === 'session' && caller.carrier === 'cookie' && context.isForged(incoming))
    return emptyReply(403, { substatus: substatus.crossSiteRequestForgery, reason: 'cross-site request' });
  return undefined;
}

function withoutIdentity(context: RouteContext, incoming: Incoming, caller: Caller): Promise<Reply> | Reply {
  if (caller.kind === 'unavailable')
    return emptyReply(503, { substatus: substatus.internalModuleFailure, headers: ['Retry-After', '5'] });
  const code = caller.kind === 'anonymous' ? caller.substatus : substatus.unauthenticated;
  return unauthenticatedReply(context, incoming, code);
}

/**
 * Decides every request in one order: https, the gateway's own routes, who is calling, whether that caller may, whether the request
 * is forged. On an excluded path nothing is refused: a caller who fails a check passes as anonymous.
 */
export function createGate(context: RouteContext): Gate {
  const { settings, vault } = context;
  const isExcluded = createExclusions(settings.excludedPaths);
  const slashes = settings.compat.escapeSlashes === 'true';
  const unknownRoute =
    settings.compat.unknownRoutes === 'forward' ? undefined : textReply(404, 'There is no such page here.');
  const written = new WeakMap<Principal, readonly string[]>();
  const identityHeaders = (principal: Principal): readonly string[] => {
    const provider = reportedName(principal.provider, settings.compat);
    const known = written.get(principal) ?? principalHeaders({ ...principal, provider }, slashes);
    written.set(principal, known);
    return known;
  };

  const headersFor = async (caller: Known): Promise<readonly string[]> => {
    const identity = identityHeaders(caller.principal);
    if (caller.kind !== 'session' || vault === undefined) return identity;
    const { user, signedInAt } = caller.session;
    const tokens = (await vault.glance(user, signedInAt))?.headers.get(caller.principal.provider);
    return tokens === undefined ? identity : [...identity, ...tokens];
  };

  const own = (incoming: Incoming): Promise<Reply> | Reply | undefined => {
    const route = routeUnder(settings.apiPrefix, incoming.target.path);
    if (route !== undefined) return answerRoute(context, incoming, route) ?? unknownRoute;
    if (incoming.target.path === settings.logoutEndpoint) return logout(context, incoming);
    return resourceMetadata(settings, incoming);
  };

  const front = (incoming: Incoming): Promise<Reply> | Reply | undefined => {
    const { secure, loopback } = incoming.site;
    const plain = !settings.requireHttps || (settings.compat.httpOnLoopback === 'true' && loopback);
    if (secure || plain) return own(incoming);
    return { ...redirectReply(`https://${incoming.site.host}${incoming.target.raw}`), status: 307 };
  };

  return async (incoming) => {
    if (!settings.enabled) return asNobody;
    const answer = front(incoming);
    if (answer !== undefined) return { reply: await answer };
    const caller = await identify(context, incoming);
    const excluded = isExcluded(incoming.target.path);
    if (caller.kind === 'anonymous' || caller.kind === 'unavailable') {
      const open = excluded || settings.action === 'AllowAnonymous';
      return open ? asNobody : { reply: await withoutIdentity(context, incoming, caller) };
    }
    const reply = objection(context, incoming, caller);
    if (reply === undefined) return { inject: await headersFor(caller), as: caller.principal.provider };
    return excluded ? asNobody : { reply };
  };
}
