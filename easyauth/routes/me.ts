import { substatus } from '../errors.js';
import { type Caller, identify } from '../gate/caller.js';
import { challengeReply, unauthenticatedReply } from '../gate/unauthenticated.js';
import type { Incoming } from '../http/incoming.js';
import { emptyReply, jsonReply, type Reply } from '../http/reply.js';
import { toJson } from '../identity/principal.js';
import { reportedName } from '../identity/reported_name.js';
import { meElement, type TokenEntry } from '../store/token_entry.js';
import type { Route, RouteContext } from './context.js';

function withoutIdentity(
  context: RouteContext,
  incoming: Incoming,
  caller: Extract<Caller, { kind: 'anonymous' }>,
): Promise<Reply> | Reply {
  const { action, compat } = context.settings;
  if (action === 'AllowAnonymous' && compat.anonymousMe === 'empty-array') return jsonReply('[]');
  return unauthenticatedReply(context, incoming, caller.substatus);
}

/** The entries as they are told: one object with `?provider=`, else an array. */
function told({ settings }: RouteContext, incoming: Incoming, entries: readonly TokenEntry[]): string {
  const { compat } = settings;
  const element = (entry: TokenEntry) => ({
    ...meElement(entry, compat),
    provider_name: reportedName(entry.provider, compat),
  });
  const slashes = compat.escapeSlashes === 'true';
  const wanted = incoming.target.query.get('provider')?.toLowerCase();
  if (wanted === undefined) return toJson(entries.map(element), slashes);
  const found = entries.find(({ provider }) =>
    [provider, reportedName(provider, compat)].some((name) => name.toLowerCase() === wanted),
  );
  return toJson(found === undefined ? {} : element(found), slashes);
}

/**
 * `GET /.auth/me`: an array of the user's entries, `[]` when the store holds none; with `?provider=` one object, `{}` when there is
 * none. 403 once the provider has refused the refresh token as revoked, 404 while the token store is off (reference §3).
 */
export const me: Route = async (context, incoming) => {
  const { settings, vault } = context;
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
    return emptyReply(405, { headers: ['Allow', 'GET, HEAD'] });
  if (vault === undefined) return emptyReply(Number(settings.compat.tokenStoreOff));
  const caller = await identify(context, incoming);
  if (caller.kind === 'unavailable') return emptyReply(503, { substatus: substatus.internalModuleFailure });
  if (caller.kind === 'anonymous') return withoutIdentity(context, incoming, caller);
  const via = caller.kind;
  if (context.providers.get(caller.principal.provider)?.admits(caller.principal, via) !== true)
    return emptyReply(403, { substatus: substatus.authorizationCheckFailed });
  const user = caller.kind === 'session' ? caller.session.user : undefined;
  const entries = user === undefined ? undefined : (await vault.find(user))?.entries;
  const held = [...(entries?.values() ?? [])];
  if (user !== undefined && held.length === 0 && settings.compat.emptyStoreMe === '401')
    return challengeReply(context, incoming);
  if (settings.compat.revokedMe === '403' && held.some(({ refusedAt }) => refusedAt !== undefined))
    return emptyReply(403, { substatus: substatus.refreshTokenInvalid });
  return jsonReply(told(context, incoming, held));
};
