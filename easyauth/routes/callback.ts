import { InvalidTokenError, LoginProtocolError, messageOf, ProviderError, substatus } from '../errors.js';
import { readForm } from '../http/form.js';
import type { Incoming } from '../http/incoming.js';
import { redirectTarget } from '../http/redirect_target.js';
import { emptyReply, type Reply, redirectReply, textReply } from '../http/reply.js';
import type { LoginMemory, Provider, SignedIn } from '../providers/provider.js';
import {
  clearTransientCookie,
  nonceCookie,
  parseCookies,
  redirectCountCookie,
  setSessionCookies,
  setTransientCookie,
} from '../session/cookie.js';
import { readPendingLogins } from '../session/nonce_cookie.js';
import { startSession } from '../session/session.js';
import type { TokenVault } from '../store/token_vault.js';
import { ownUrl, type RouteContext, redirectRules } from './context.js';
import { providerTrouble, startLogin } from './start_login.js';

const mostRetries = 4;

function failed(text: string, reason: string): Reply {
  return textReply(401, text, { substatus: substatus.loginProtocolError, reason });
}

/** The target in `state`, checked again: the state comes through the browser. */
function targetOf(context: RouteContext, incoming: Incoming, state: string | null): string {
  const redir = new URLSearchParams(state ?? '').get('redir') ?? '/';
  return redirectTarget(redir, redirectRules(context, incoming)) ?? `${incoming.site.origin}/`;
}

/** Stores the tokens of a sign-in. A refresh token that is already there outlives a sign-in that brings none. */
async function store(vault: TokenVault, signedIn: SignedIn, strictOverwrite: boolean): Promise<void> {
  const { user, tokens } = signedIn;
  await vault.exclusive(user, async () => {
    const kept = (await vault.find(user))?.entries.get(tokens.provider)?.refreshToken;
    const refreshToken = tokens.refreshToken ?? (strictOverwrite ? undefined : kept);
    await vault.put(user, { ...tokens, refreshToken });
  });
}

interface Attempt {
  readonly provider: Provider;
  readonly parameters: URLSearchParams;
}

/** A sign-in that took longer than a nonce lives starts again by itself, a few times. */
function retry(context: RouteContext, incoming: Incoming, attempt: Attempt): Promise<Reply> | Reply {
  const count = Number(parseCookies(incoming.cookies ?? '').get(redirectCountCookie) ?? '0') || 0;
  if (count >= mostRetries)
    return textReply(400, 'The sign-in does not come to an end. Close the browser and try again.', {
      substatus: substatus.infiniteRedirectLoop,
      headers: ['Set-Cookie', clearTransientCookie(redirectCountCookie)],
    });
  const target = targetOf(context, incoming, attempt.parameters.get('state'));
  const cookies = [setTransientCookie(redirectCountCookie, String(count + 1), incoming.profile)];
  return startLogin(context, incoming, {
    provider: attempt.provider,
    target,
    parameters: new Map(),
    cookies,
  });
}

async function finish(
  context: RouteContext,
  incoming: Incoming,
  done: { signedIn: SignedIn; state: string | null; nonceLeft: string | undefined },
): Promise<Reply> {
  const { settings, vault, codec } = context;
  const { signedIn } = done;
  const now = context.now();
  if (vault !== undefined) await store(vault, signedIn, settings.compat.strictAzureOverwrite === 'true');
  const session = startSession(settings.cookie, {
    user: signedIn.user,
    principal: signedIn.principal,
    now,
    providerExpiresAt: signedIn.tokens.expiresAt,
    countFrom: settings.compat.cookieLifetimeFrom === 'id-token' ? signedIn.issuedAt : undefined,
  });
  const { profile, cookies: sent } = incoming;
  context.log('info', 'signed in', { provider: signedIn.principal.provider, session: session.sid });
  return redirectReply(targetOf(context, incoming, done.state), [
    ...setSessionCookies({ value: codec.seal(session), expiresAt: session.expiresAt, profile, sent }),
    done.nonceLeft === undefined
      ? clearTransientCookie(nonceCookie)
      : setTransientCookie(nonceCookie, done.nonceLeft, profile),
    clearTransientCookie(redirectCountCookie),
  ]);
}

async function complete(context: RouteContext, incoming: Incoming, attempt: Attempt): Promise<Reply> {
  const { settings } = context;
  const pending = readPendingLogins(
    context.nonceSealer,
    parseCookies(incoming.cookies ?? '').get(nonceCookie),
  );
  let used = '';
  let tooOld = false;
  const recall = (nonce: unknown): LoginMemory | undefined => {
    const found = pending.find(nonce);
    used = found?.nonce ?? '';
    if (!settings.validateNonce) return found ?? { scope: undefined };
    tooOld = found !== undefined && context.now() - found.at > settings.nonceLifetimeMs;
    return tooOld ? undefined : found;
  };
  const { provider, parameters } = attempt;
  const redirectUri = ownUrl(context, incoming, `login/${provider.alias}/callback`);
  try {
    const signedIn = await provider.completeLogin({ parameters, redirectUri, recall });
    if (!provider.admits(signedIn.principal, 'session'))
      return textReply(403, 'You are signed in but not allowed to use this app.', {
        substatus: substatus.authorizationCheckFailed,
      });
    const state = parameters.get('state');
    return await finish(context, incoming, { signedIn, state, nonceLeft: pending.without(used) });
  } catch (error) {
    if (tooOld) return retry(context, incoming, attempt);
    const refused = error instanceof ProviderError && error.failure === 'rejected';
    if (refused || error instanceof LoginProtocolError || error instanceof InvalidTokenError)
      return failed('The sign-in failed. Go back and try again.', messageOf(error));
    return providerTrouble(context, error);
  }
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
  if (parameters === undefined) return failed('The sign-in failed.', 'the answer is not a form');
  const error = parameters.get('error');
  if (error !== null) {
    const code = /^[\w.-]{1,64}$/.test(error) ? error : 'unknown_error';
    return failed(`The sign-in failed: ${code}.`, `the provider answers ${code}`);
  }
  return complete(context, incoming, { provider, parameters });
}
