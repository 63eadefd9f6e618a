import { substatus } from '../errors.js';
import { identify } from '../gate/caller.js';
import { type CarriedSession, carriedSession } from '../gate/session_carrier.js';
import { challengeReply } from '../gate/unauthenticated.js';
import type { Incoming } from '../http/incoming.js';
import { emptyReply, jsonReply, type Reply } from '../http/reply.js';
import { isLive } from '../session/session.js';
import { callbackUrl, type Route, type RouteContext } from './context.js';
import { cookieFor, type Holder, tokenBody, tokenSessionFor } from './establish.js';
import { type Renewed, renew } from './refresh_outcome.js';

/** The renewed session in the form it came in: a token in the body, or a cookie (reference §4.3). */
async function answer(
  context: RouteContext,
  incoming: Incoming,
  { held, renewed }: { readonly held: CarriedSession; readonly renewed: Renewed },
): Promise<Reply> {
  const { session: old, carrier } = held;
  const holder: Holder = {
    user: old.user,
    principal: renewed.principal ?? old.principal,
    providerExpiresAt: renewed.expiresAt,
  };
  context.log('info', 'refreshed', { provider: old.principal.provider, session: old.sid });
  const wantsBody = carrier === 'token' || context.settings.compat.cookieRefreshBody === 'json';
  const body = wantsBody ? await tokenBody(context, incoming, tokenSessionFor(context, holder)) : undefined;
  const reply = body === undefined ? emptyReply(200) : jsonReply(body);
  const cookies = carrier === 'cookie' ? cookieFor(context, incoming, holder).cookies : [];
  return { ...reply, headers: [...reply.headers, ...cookies.flatMap((cookie) => ['Set-Cookie', cookie])] };
}

/** Without a session there is nothing to refresh; a bearer token is none (reference §14). */
async function withoutSession(context: RouteContext, incoming: Incoming): Promise<Reply> {
  if (context.settings.compat.bearerRefresh === '403') {
    const caller = await identify(context, incoming);
    if (caller.kind === 'bearer') return emptyReply(403, { substatus: substatus.refreshTokenUnavailable });
  }
  return challengeReply(context, incoming);
}

/**
 * `GET|POST /.auth/refresh`: new provider tokens and a new session, as cookie or as token (reference §4). The session may have ended
 * up to the extension (72 h) ago; provider tokens have no such grace. 401 without a session, 403 or 400 when there is nothing to
 * redeem or the provider refuses it, 5xx when the provider cannot be reached, 404 while the token store is off.
 */
export const refresh: Route = async (context, incoming) => {
  const { vault, settings } = context;
  const { compat } = settings;
  const askedAt = context.now();
  const methods = compat.refreshByPost === 'true' ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD'];
  if (!methods.includes(incoming.method)) return emptyReply(405, { headers: ['Allow', methods.join(', ')] });
  if (vault === undefined) return emptyReply(Number(compat.tokenStoreOff));
  const held = await carriedSession(context, incoming, compat.credentialPrecedence);
  if (held === undefined) return withoutSession(context, incoming);
  const { session, carrier } = held;
  if (!isLive(session, askedAt, settings.refreshExtensionMs))
    return challengeReply(context, incoming, substatus.sessionTimeout);
  if (carrier === 'cookie' && context.isForged(incoming))
    return emptyReply(403, { substatus: substatus.crossSiteRequestForgery });
  const provider = context.providers.get(session.principal.provider);
  if (provider === undefined) return challengeReply(context, incoming);
  const redirectUri = callbackUrl(context, incoming, provider);
  const outcome = await renew(context, { session, provider, vault, askedAt, redirectUri });
  if ('renewed' in outcome) return answer(context, incoming, { held, renewed: outcome.renewed });
  const { status, ...cause } = outcome;
  return emptyReply(status, cause);
};
