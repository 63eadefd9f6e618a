import { messageOf, substatus } from '../errors.js';
import { carriedSession } from '../gate/session_carrier.js';
import type { Incoming } from '../http/incoming.js';
import { redirectTarget } from '../http/redirect_target.js';
import { emptyReply, pageReply, type Reply, redirectReply, textReply } from '../http/reply.js';
import {
  clearSessionCookies,
  clearTransientCookie,
  parseCookies,
  setTransientCookie,
} from '../session/cookie.js';
import type { Session } from '../session/session.js';
import { storeReply } from '../store/store_reply.js';
import { ownUrl, type Route, type RouteContext, redirectRules } from './context.js';

/** Carries the final target over the provider's own sign-out page, which returns to one registered address only. */
const targetCookie = 'PostLogoutRedirect';

/** Removes the user's tokens from the store. What went wrong, when they could not be removed. */
async function forget({ vault }: RouteContext, session: Session): Promise<unknown> {
  if (vault === undefined) return undefined;
  const remove = () => vault.remove(session.user);
  try {
    // Under the lock, so that a refresh under way cannot write the tokens back afterwards.
    await vault.exclusive(session.user, remove).catch(remove);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The browser is signed out, whatever became of the tokens: a session that cannot be left would be worse. */
function tokensLeft(error: unknown, cookies: readonly string[]): Reply {
  const text =
    'You are signed out of this browser, but the tokens kept for you could not be removed. Tell the owner of this site.';
  const {
    status,
    substatus: code,
    reason,
  } = storeReply(error) ?? { status: 500, substatus: undefined, reason: messageOf(error) };
  return textReply(status, text, {
    substatus: code ?? substatus.internalModuleFailure,
    reason,
    headers: cookies.flatMap((cookie) => ['Set-Cookie', cookie]),
  });
}

async function providerLogout(
  context: RouteContext,
  incoming: Incoming,
  session: Session,
): Promise<string | undefined> {
  try {
    const provider = context.providers.get(session.principal.provider);
    return await provider?.logoutUrl(ownUrl(context, incoming, 'logout/complete'));
  } catch (error) {
    context.log('warn', 'the provider session stays open', { reason: messageOf(error) });
    return undefined;
  }
}

/**
 * `GET /.auth/logout`: ends every session cookie, removes the user's tokens from the store, ends the provider's session where it
 * has one, and goes to `post_logout_redirect_uri` or `logout/complete` (reference §5.6). When the tokens cannot be removed the
 * session is ended all the same, and a 5xx says what is left.
 */
export const logout: Route = async (context, incoming) => {
  if (!['GET', 'HEAD', 'POST'].includes(incoming.method))
    return emptyReply(405, { headers: ['Allow', 'GET'] });
  const held = await carriedSession(context, incoming, context.settings.compat.credentialPrecedence);
  if (held?.carrier !== 'token' && context.isForged(incoming))
    return emptyReply(403, { substatus: substatus.crossSiteRequestForgery });
  const asked = incoming.target.query.get('post_logout_redirect_uri');
  const target = asked === null ? undefined : redirectTarget(asked, redirectRules(context, incoming));
  const strict = context.settings.compat.badRedirect !== 'ignore';
  if (asked !== null && target === undefined && strict)
    return textReply(400, 'The redirect target is not allowed. See allowedExternalRedirectUrls.');
  const cookies = clearSessionCookies(incoming.cookies, incoming.profile);
  const session = held?.session;
  const end = target ?? ownUrl(context, incoming, 'logout/complete');
  if (session === undefined) return redirectReply(end, cookies);
  const trouble = await forget(context, session);
  if (trouble !== undefined) return tokensLeft(trouble, cookies);
  context.log('info', 'signed out', { provider: session.principal.provider, session: session.sid });
  const away = await providerLogout(context, incoming, session);
  const over = { substatus: substatus.loggedOut };
  if (away === undefined) return redirectReply(end, cookies, over);
  if (target !== undefined)
    cookies.push(setTransientCookie(targetCookie, encodeURIComponent(target), incoming.profile));
  return redirectReply(away, cookies, over);
};

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** `logout/complete` and `logout/done`: where the provider returns to; goes on to the remembered target, checked again. */
export const loggedOut: Route = (context, incoming) => {
  const remembered = parseCookies(incoming.cookies ?? '').get(targetCookie);
  if (remembered === undefined)
    return pageReply('Signed out', '<p>You have been signed out. <a href="/">Go to the website</a></p>');
  const target = redirectTarget(decoded(remembered), redirectRules(context, incoming));
  return redirectReply(target ?? `${incoming.site.origin}/`, [clearTransientCookie(targetCookie)]);
};
