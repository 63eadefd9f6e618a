import { InvalidTokenError, LoginProtocolError, messageOf, ProviderError, substatus } from '../errors.js';
import { readForm } from '../http/form.js';
import type { Incoming } from '../http/incoming.js';
import { redirectTarget } from '../http/redirect_target.js';
import { emptyReply, type Reply, redirectReply, textReply } from '../http/reply.js';
import { nonceOfState } from '../providers/nonce_in_state.js';
import type { LoginMemory, Provider, SignedIn } from '../providers/provider.js';
import {
  clearTransientCookie,
  nonceCookie,
  parseCookies,
  redirectCountCookie,
  setTransientCookie,
} from '../session/cookie.js';
import { type Pending, type PendingLogins, readPendingLogins } from '../session/nonce_cookie.js';
import { callbackUrl, type RouteContext, redirectRules } from './context.js';
import { cookieFor, holderOf, keepTokens, tokenSessionFor } from './establish.js';
import { failedWith, loginTexts } from './login_texts.js';
import { providerTrouble, startLogin } from './start_login.js';
import { deliverError, deliverToken } from './token_mode.js';

const mostRetries = 4;

/** One return from a provider. `found` is the sign-in it answers, once something in the answer has named it. */
interface Attempt {
  readonly provider: Provider;
  readonly parameters: URLSearchParams;
  readonly pending: PendingLogins;
  found: Pending | undefined;
}

/** The target in `state`, checked again: the state comes through the browser. */
function targetOf(context: RouteContext, incoming: Incoming, { found, parameters }: Attempt): string {
  const state = found?.state ?? parameters.get('state') ?? '';
  const redir = new URLSearchParams(state).get('redir') ?? '/';
  return redirectTarget(redir, redirectRules(context, incoming)) ?? `${incoming.site.origin}/`;
}

/** What ends with this sign-in: its own nonce, and the count of rounds. */
function closingCookies(incoming: Incoming, { pending, found }: Attempt): string[] {
  const left = pending.without(found?.nonce ?? '');
  return [
    left === undefined
      ? clearTransientCookie(nonceCookie)
      : setTransientCookie(nonceCookie, left, incoming.profile),
    clearTransientCookie(redirectCountCookie),
  ];
}

function notAllowed(): Reply {
  return textReply(403, loginTexts.notAllowed, { substatus: substatus.authorizationCheckFailed });
}

/** A failure as its own page, or told to the client of a token-mode sign-in in its own way. */
function told(context: RouteContext, incoming: Incoming, attempt: Attempt, reply: Reply): Reply {
  const mode = attempt.found?.tokenMode;
  if (mode === undefined) return reply;
  const target = targetOf(context, incoming, attempt);
  const { body, substatus: code = substatus.loginProtocolError, reason = `${reply.status}` } = reply;
  const cause = { substatus: code, reason };
  return deliverError(body.trim(), cause, { mode, target, cookies: closingCookies(incoming, attempt) });
}

function failed(
  context: RouteContext,
  incoming: Incoming,
  failure: { readonly attempt: Attempt; readonly text: string; readonly reason: string },
): Reply {
  const { attempt, text, reason } = failure;
  const reply = textReply(401, text, { substatus: substatus.loginProtocolError, reason });
  return told(context, incoming, attempt, reply);
}

/** A sign-in that took longer than a nonce lives starts again by itself, a few times. */
function retry(context: RouteContext, incoming: Incoming, attempt: Attempt): Promise<Reply> | Reply {
  const count = Number(parseCookies(incoming.cookies ?? '').get(redirectCountCookie) ?? '0') || 0;
  if (count >= mostRetries)
    return textReply(400, 'The sign-in does not come to an end. Close the browser and try again.', {
      substatus: substatus.infiniteRedirectLoop,
      headers: ['Set-Cookie', clearTransientCookie(redirectCountCookie)],
    });
  return startLogin(context, incoming, {
    provider: attempt.provider,
    target: targetOf(context, incoming, attempt),
    parameters: new Map(),
    cookies: [setTransientCookie(redirectCountCookie, String(count + 1), incoming.profile)],
    tokenMode: attempt.found?.tokenMode,
  });
}

async function finish(
  context: RouteContext,
  incoming: Incoming,
  { attempt, signedIn }: { readonly attempt: Attempt; readonly signedIn: SignedIn },
): Promise<Reply> {
  await keepTokens(context, signedIn);
  const holder = holderOf(signedIn);
  const target = targetOf(context, incoming, attempt);
  const closing = closingCookies(incoming, attempt);
  const provider = signedIn.tokens.provider;
  const mode = attempt.found?.tokenMode;
  if (mode !== undefined) {
    const session = tokenSessionFor(context, holder);
    context.log('info', 'signed in', { provider, session: session.sid, mode: 'token' });
    return deliverToken(context, incoming, { mode, target, cookies: closing, session });
  }
  const { cookies, sid } = cookieFor(context, incoming, holder);
  context.log('info', 'signed in', { provider, session: sid });
  return redirectReply(target, [...cookies, ...closing]);
}

async function complete(context: RouteContext, incoming: Incoming, attempt: Attempt): Promise<Reply> {
  const { settings } = context;
  const { provider, parameters, pending } = attempt;
  let tooOld = false;
  const recall = (nonce: unknown): LoginMemory | undefined => {
    const found = pending.find(provider.alias, nonce);
    attempt.found = found;
    if (!settings.validateNonce) return found ?? { scope: undefined };
    tooOld = found !== undefined && context.now() - found.at > settings.nonceLifetimeMs;
    return tooOld ? undefined : found;
  };
  const redirectUri = callbackUrl(context, incoming, provider);
  try {
    const signedIn = await provider.completeLogin({ parameters, redirectUri, recall });
    if (!provider.admits(signedIn.principal, 'session'))
      return told(context, incoming, attempt, notAllowed());
    return await finish(context, incoming, { attempt, signedIn });
  } catch (error) {
    if (tooOld) return retry(context, incoming, attempt);
    const refused = error instanceof ProviderError && error.failure === 'rejected';
    if (refused || error instanceof LoginProtocolError || error instanceof InvalidTokenError) {
      return failed(context, incoming, { attempt, text: loginTexts.retry, reason: messageOf(error) });
    }
    return told(context, incoming, attempt, providerTrouble(context, error));
  }
}

/** The error a provider returns instead of a sign-in; X says `denied`. Only the code is repeated. */
function errorOf(parameters: URLSearchParams): string | undefined {
  const error = parameters.get('error') ?? (parameters.has('denied') ? 'access_denied' : undefined);
  if (error === undefined) return undefined;
  return /^[\w.-]{1,64}$/.test(error) ? error : 'unknown_error';
}

/** `/.auth/login/<provider>/callback`: what the provider sends back, by form post or by query. */
export async function callback(
  context: RouteContext,
  incoming: Incoming,
  provider: Provider,
): Promise<Reply> {
  const { method, target } = incoming;
  if (method !== 'GET' && method !== 'POST') return emptyReply(405, { headers: ['Allow', 'GET, POST'] });
  const parameters = method === 'POST' ? await readForm(incoming.request) : target.query;
  const text = loginTexts.failed;
  if (parameters === undefined)
    return textReply(401, text, {
      substatus: substatus.loginProtocolError,
      reason: 'the answer is not a form',
    });
  const cookie = parseCookies(incoming.cookies ?? '').get(nonceCookie);
  const pending = readPendingLogins(context.nonceSealer, cookie);
  const named = nonceOfState(parameters) ?? parameters.get('oauth_token') ?? parameters.get('denied');
  const attempt: Attempt = { provider, parameters, pending, found: pending.find(provider.alias, named) };
  const error = errorOf(parameters);
  if (error !== undefined)
    return failed(context, incoming, {
      attempt,
      text: failedWith(error),
      reason: `the provider answers ${error}`,
    });
  // Asking the provider about an answer nobody here waits for would let anybody keep both of us busy.
  if (context.settings.validateNonce && !pending.has(provider.alias))
    return failed(context, incoming, { attempt, text, reason: 'this browser has no sign-in under way' });
  return complete(context, incoming, attempt);
}
