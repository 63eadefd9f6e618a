import { substatus } from '../errors.js';
import { identify } from '../gate/caller.js';
import { unauthenticatedReply } from '../gate/unauthenticated.js';
import { emptyReply, jsonReply } from '../http/reply.js';
import { toJson } from '../identity/principal.js';
import { meElement } from '../store/token_entry.js';
import type { Route } from './context.js';

/**
 * `GET /.auth/me`: an array of the user's entries, `[]` when the store holds none; with `?provider=` one object, `{}` when there is
 * none. 404 while the token store is off (reference §3).
 */
export const me: Route = async (context, incoming) => {
  const { settings, vault } = context;
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
    return emptyReply(405, { headers: ['Allow', 'GET, HEAD'] });
  if (vault === undefined) return emptyReply(404);
  const caller = await identify(context, incoming);
  if (caller.kind === 'unavailable') return emptyReply(503, { substatus: substatus.internalModuleFailure });
  if (caller.kind === 'anonymous') return unauthenticatedReply(context, incoming, caller.substatus);
  const via = caller.kind;
  if (context.providers.get(caller.principal.provider)?.admits(caller.principal, via) !== true)
    return emptyReply(403, { substatus: substatus.authorizationCheckFailed });
  const user = caller.kind === 'session' ? caller.session.user : undefined;
  const entries = user === undefined ? undefined : (await vault.find(user))?.entries;
  const hide = settings.compat.hideTokensFromMe === 'true';
  const slashes = settings.compat.escapeSlashes === 'true';
  const wanted = incoming.target.query.get('provider');
  if (wanted !== null) {
    const entry = entries?.get(wanted.toLowerCase());
    return jsonReply(toJson(entry === undefined ? {} : meElement(entry, hide), slashes));
  }
  return jsonReply(
    toJson(
      [...(entries?.values() ?? [])].map((entry) => meElement(entry, hide)),
      slashes,
    ),
  );
};
