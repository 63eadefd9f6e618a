import { messageOf } from '../errors.js';
import { carriedSession } from '../gate/session_carrier.js';
import type { Incoming } from '../http/incoming.js';
import { redirectTarget } from '../http/redirect_target.js';
import { emptyReply, pageReply, redirectReply, textReply } from '../http/reply.js';
import {
  clearSessionCookies,
  clearTransientCookie,
  parseCookies,
  setTransientCookie,
} from '../session/cookie.js';
import type { Session } from '../session/session.js';
import { ownUrl, type Route, type RouteContext, redirectRules } from './context.js';

/** Carries the final target over the provider's own sign-out page, which returns to one registered address only. */
const targetCookie = 'PostLogoutRedirect';

async function forget(context: RouteContext, session: Session): Promise<void> {
  const { vault } = context;
  if (vault === undefined) return;
  // Under the lock, so that a refresh under way cannot write the tokens back afterwards.
  await vault
    .exclusive(session.user, () => vault.remove(session.user))
    .catch(() => vault.remove(session.user));
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
 * has one, and goes to `post_logout_redirect_uri` or `logout/complete` (reference §5.6).
 */
export const logout: Route = async (context, incoming) => {
  if (!['GET', 'HEAD', 'POST'].includes(incoming.method))
    return emptyReply(405, { headers: ['Allow', 'GET'] });
  const held = await carriedSession(context, incoming, context.settings.compat.credentialPrecedence);
  if (held?.carrier !== 'token' && context.isForged(incoming)) return emptyReply(403);
  const asked = incoming.target.query.get('post_logout_redirect_uri');
  const target = asked === null ? undefined : redirectTarget(asked, redirectRules(context, incoming));
  const strict = context.settings.compat.badRedirect !== 'ignore';
  if (asked !== null && target === undefined && strict)
    return textReply(400, 'The redirect target is not allowed. See allowedExternalRedirectUrls.');
  const cookies = clearSessionCookies(incoming.cookies, incoming.profile);
  const session = held?.session;
  const end = target ?? ownUrl(context, incoming, 'logout/complete');
  if (session === undefined) return redirectReply(end, cookies);
  await forget(context, session);
  context.log('info', 'signed out', { provider: session.principal.provider, session: session.sid });
  const away = await providerLogout(context, incoming, session);
  if (away === undefined) return redirectReply(end, cookies);
  if (target !== undefined)
    cookies.push(setTransientCookie(targetCookie, encodeURIComponent(target), incoming.profile));
  return redirectReply(away, cookies);
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
