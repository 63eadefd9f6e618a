import { type Substatus, substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import { emptyReply, type Reply } from '../http/reply.js';
import type { RouteContext } from '../routes/context.js';
import { metadataChallenge } from '../routes/resource_metadata.js';
import { passedParameters, startLogin } from '../routes/start_login.js';

/** A longer one would make an authorize address that providers refuse. */
const longestTarget = 4_000;

/** What IIS writes, 58 bytes (reference §7.5). */
const windowsBody = 'You do not have permission to view this directory or page.';

/** The 401 with its challenge: empty body unless configured, parameters separated by spaces (reference §7.5). */
export function challengeReply(
  context: RouteContext,
  incoming: Incoming,
  code: Substatus = substatus.unauthenticated,
): Reply {
  const challenges = [...context.providers.values()].map((provider) =>
    provider.challenge(incoming.site.host),
  );
  const more = metadataChallenge(context.settings, incoming);
  const headers = challenges.flatMap((value) =>
    value === undefined ? [] : ['WWW-Authenticate', `${value}${more}`],
  );
  const reply = emptyReply(401, { substatus: code, headers });
  if (context.settings.compat.unauthorizedBody === 'empty') return reply;
  return { ...reply, headers: [...reply.headers, 'Content-Type', 'text/html'], body: windowsBody };
}

/** What `unauthenticatedClientAction` answers; `AllowAnonymous` answers 401 where only a signed-in user can be served. */
export function unauthenticatedReply(
  context: RouteContext,
  incoming: Incoming,
  code: Substatus,
): Promise<Reply> | Reply {
  const { action, redirectTo } = context.settings;
  if (action === 'Return403') return emptyReply(403, { substatus: code });
  if (action === 'Return404') return emptyReply(404, { substatus: code });
  const provider = context.providers.get(redirectTo ?? '');
  if (action !== 'RedirectToLoginPage' || provider === undefined || incoming.upgrade)
    return challengeReply(context, incoming, code);
  const { raw, query } = incoming.target;
  const hint = passedParameters(query).get('login_hint');
  const parameters: ReadonlyMap<string, string> =
    hint === undefined ? new Map() : new Map([['login_hint', hint]]);
  const target = raw.length > longestTarget ? '/' : raw;
  return startLogin(context, incoming, { provider, target, parameters });
}
