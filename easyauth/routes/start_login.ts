import { messageOf, ProviderError, substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import { type Reply, redirectReply, textReply } from '../http/reply.js';
import type { Provider } from '../providers/provider.js';
import { nonceCookie, parseCookies, setTransientCookie } from '../session/cookie.js';
import { createNonce, readPendingLogins, type TokenMode } from '../session/nonce_cookie.js';
import { callbackUrl, type RouteContext } from './context.js';
import { keepFragment } from './keep_fragment.js';
import { loginTexts } from './login_texts.js';

/** Login parameters that may go on to the provider. A list, so that nobody can slip in a protocol parameter. */
const passedOn = new Set([
  'login_hint',
  'domain_hint',
  'prompt',
  'scope',
  'resource',
  'p',
  'access_type',
  'max_age',
  'ui_locales',
  'acr_values',
  'claims',
  'hd',
]);

/** The parameters of a login request that go on to the provider. */
export function passedParameters(query: URLSearchParams): ReadonlyMap<string, string> {
  return new Map([...query].filter(([name]) => passedOn.has(name)));
}

export interface LoginPlan {
  readonly provider: Provider;
  /** Where to go afterwards: a path of this site or an allowed absolute address. */
  readonly target: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly cookies?: readonly string[];
  /** Absent for a sign-in that ends with a cookie. */
  readonly tokenMode?: TokenMode | undefined;
}

/** `redir=…`; with the nonce where no ID token carries it back, or where an error must find its sign-in again. */
function stateOf({ provider, target, tokenMode }: LoginPlan, nonce: string): string {
  const redir = `redir=${encodeURIComponent(target)}`;
  return provider.nonceInState || tokenMode !== undefined ? `${redir}&nonce=${nonce}` : redir;
}

/** The answer when the provider could not be asked. */
export function providerTrouble(context: RouteContext, error: unknown): Reply {
  if (!(error instanceof ProviderError)) throw error;
  context.log('error', 'the identity provider gives no help', { reason: messageOf(error) });
  if (error.failure === 'misconfigured')
    return textReply(500, loginTexts.misconfigured, {
      substatus: substatus.configurationError,
    });
  return textReply(502, loginTexts.unreachable, {
    substatus: substatus.internalModuleFailure,
  });
}

/** Sends the browser to the provider, remembering the sign-in in its `Nonce` cookie (reference §5.1). */
export async function startLogin(context: RouteContext, incoming: Incoming, plan: LoginPlan): Promise<Reply> {
  const now = context.now();
  const nonce = createNonce(now);
  const cookies = parseCookies(incoming.cookies ?? '');
  const pending = readPendingLogins(context.nonceSealer, cookies.get(nonceCookie));
  try {
    const { url, recallBy, ...memory } = await plan.provider.loginUrl({
      redirectUri: callbackUrl(context, incoming, plan.provider),
      state: stateOf(plan, nonce),
      nonce,
      parameters: plan.parameters,
    });
    const { tokenMode, provider } = plan;
    const pendingNow = { ...memory, nonce: recallBy ?? nonce, at: now, provider: provider.alias, tokenMode };
    const remembered = setTransientCookie(nonceCookie, pending.with(pendingNow), incoming.profile);
    const set = [remembered, ...(plan.cookies ?? [])];
    const fragment = context.settings.keepFragments && incoming.method === 'GET';
    return fragment ? keepFragment(url, set) : redirectReply(url, set);
  } catch (error) {
    return providerTrouble(context, error);
  }
}
