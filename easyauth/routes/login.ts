import type { Incoming } from '../http/incoming.js';
import { redirectTarget } from '../http/redirect_target.js';
import { emptyReply, pageReply, type Reply, textReply } from '../http/reply.js';
import type { Provider } from '../providers/provider.js';
import { ownUrl, type Route, type RouteContext, redirectRules } from './context.js';
import { passedParameters, startLogin } from './start_login.js';

const notYet = ['code_challenge', 'completion_type', 'completion_origin'];

function unsupported(query: URLSearchParams): boolean {
  return (query.get('session_mode') ?? 'cookie') !== 'cookie' || notYet.some((name) => query.has(name));
}

/** `GET /.auth/login/<provider>`: server-directed sign-in. A target that is not allowed is a 400. */
export async function login(context: RouteContext, incoming: Incoming, provider: Provider): Promise<Reply> {
  const { query } = incoming.target;
  if (incoming.method === 'POST') return textReply(501, 'Client-directed sign-in is not supported yet.');
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD')
    return emptyReply(405, { headers: ['Allow', 'GET, HEAD'] });
  if (unsupported(query)) return textReply(501, 'Token-mode sign-in is not supported yet.');
  const asked = query.get('post_login_redirect_uri') ?? query.get('post_login_redirect_url');
  const target =
    asked === null
      ? ownUrl(context, incoming, 'login/done')
      : redirectTarget(asked, redirectRules(context, incoming));
  if (target === undefined)
    return textReply(400, 'The redirect target is not allowed. See allowedExternalRedirectUrls.');
  const local = target.startsWith(`${incoming.site.origin}/`)
    ? target.slice(incoming.site.origin.length)
    : target;
  return startLogin(context, incoming, { provider, target: local, parameters: passedParameters(query) });
}

/** `GET /.auth/login/done`: where a sign-in without a target ends. */
export const loginDone: Route = () => pageReply('Signed in', '<p><a href="/">Go to the website</a></p>');
