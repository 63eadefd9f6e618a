import type { Substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import { type Reply, redirectReply } from '../http/reply.js';
import { scriptPage } from '../http/script_page.js';
import type { Completion, TokenMode } from '../session/nonce_cookie.js';
import type { Session } from '../session/session.js';
import type { RouteContext } from './context.js';
import { tokenBody } from './establish.js';

/** Hands a result to the page that opened the popup, or to its relay frame, which has our origin. The message goes to one origin only. */
const postToOpener = `
  var page = window.opener || (window.parent !== window ? window.parent : null);
  var target = page && data.relay ? page.frames['zumo-login-receiver'] : page;
  if (target) target.postMessage(data.message, data.relay ? window.location.origin : data.origin);
  window.close();`;

function completionPage(completion: Completion, message: unknown, cookies: readonly string[]): Reply {
  const { type, origin } = completion;
  return scriptPage({
    title: 'Signing in',
    script: postToOpener,
    data: { relay: type === 'iframe', origin, message },
    body: '<p>You can close this window.</p>',
    cookies,
  });
}

interface Delivery {
  readonly mode: TokenMode;
  /** Absolute address where the result goes. */
  readonly target: string;
  readonly cookies: readonly string[];
}

function withFragment(target: string, name: string, value: string): string {
  return `${target.split('#')[0]}#${name}=${encodeURIComponent(value)}`;
}

/** Ends a token-mode sign-in: a code for a native client, a message for the opener, or `#token=` (reference §5.3). */
export async function deliverToken(
  context: RouteContext,
  incoming: Incoming,
  { mode, target, cookies, session }: Delivery & { readonly session: Session },
): Promise<Reply> {
  if (mode.challenge !== undefined) {
    const url = new URL(target);
    url.searchParams.set('authorization_code', context.nativeCodes.issue(session, mode.challenge));
    return redirectReply(url.href, cookies);
  }
  const body = await tokenBody(context, incoming, session);
  if (mode.completion !== undefined)
    return completionPage(mode.completion, { type: 'LoginCompleted', oauth: JSON.parse(body) }, cookies);
  return redirectReply(withFragment(target, 'token', body), cookies);
}

/** For the log: why a sign-in failed. */
interface FailureCause {
  readonly substatus: Substatus;
  readonly reason: string;
}

/** Tells a token-mode client that its sign-in failed, in the way it would have been told of success. */
export function deliverError(text: string, cause: FailureCause, { mode, target, cookies }: Delivery): Reply {
  if (mode.completion === undefined)
    return redirectReply(withFragment(target, 'error', text), cookies, cause);
  return { ...completionPage(mode.completion, { type: 'LoginCompleted', error: text }, cookies), ...cause };
}
