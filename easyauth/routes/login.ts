import type { Incoming } from '../http/incoming.js';
import { redirectTarget } from '../http/redirect_target.js';
import { emptyReply, type Reply, textReply } from '../http/reply.js';
import type { Provider } from '../providers/provider.js';
import { acceptTokens } from './accept_tokens.js';
import { ownUrl, type RouteContext, redirectRules } from './context.js';
import { loginMode } from './login_mode.js';
import { passedParameters, startLogin } from './start_login.js';

/** The asked target, the default page, or undefined for a target that is refused. */
function targetOf(context: RouteContext, incoming: Incoming): string | undefined {
  const { query } = incoming.target;
  const usual = ownUrl(context, incoming, 'login/done');
  const asked = query.get('post_login_redirect_uri') ?? query.get('post_login_redirect_url');
  if (asked === null) return usual;
  const target = redirectTarget(asked, redirectRules(context, incoming));
  return target ?? (context.settings.compat.badRedirect === 'ignore' ? usual : undefined);
}

/**
 * `GET /.auth/login/<provider>`: server-directed sign-in; a target, mode or origin that is not allowed is a 400. `POST`:
 * client-directed sign-in.
 */
export async function login(context: RouteContext, incoming: Incoming, provider: Provider): Promise<Reply> {
  const { query } = incoming.target;
  if (incoming.method === 'POST') return acceptTokens(context, incoming, provider);
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
    return emptyReply(405, { headers: ['Allow', 'GET, HEAD, POST'] });
  const mode = loginMode(context, incoming);
  if ('fault' in mode) return textReply(400, mode.fault);
  const target = targetOf(context, incoming);
  if (target === undefined)
    return textReply(400, 'The redirect target is not allowed. See allowedExternalRedirectUrls.');
  const local = target.startsWith(`${incoming.site.origin}/`)
    ? target.slice(incoming.site.origin.length)
    : target;
  const parameters = passedParameters(query);
  return startLogin(context, incoming, { provider, target: local, parameters, tokenMode: mode.tokenMode });
}
