import type { Incoming } from '../http/incoming.js';
import { plainBase64 } from '../session/native_code.js';
import type { Completion, TokenMode } from '../session/nonce_cookie.js';
import { completionOrigin } from './completion.js';
import type { RouteContext } from './context.js';

/** What a login request asks for, or what is wrong with it, to be shown. */
export type LoginMode = { readonly fault: string } | { readonly tokenMode: TokenMode | undefined };

type Part<T> = { readonly fault: string } | { readonly value: T | undefined };

function challengeOf(query: URLSearchParams): Part<string> {
  // A space in a query is a plus sign that was not escaped.
  const challenge = query.get('code_challenge')?.replaceAll(' ', '+');
  if (challenge === undefined) return { value: undefined };
  if (query.get('code_challenge_method') !== 'S256') return { fault: 'code_challenge_method must be S256.' };
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(challenge))
    return { fault: 'code_challenge must be a SHA-256 in Base64.' };
  const returns = query.has('post_login_redirect_uri') || query.has('post_login_redirect_url');
  return returns
    ? { value: plainBase64(challenge) }
    : { fault: 'code_challenge needs post_login_redirect_url.' };
}

function completionOf(context: RouteContext, incoming: Incoming): Part<Completion> {
  const type = incoming.target.query.get('completion_type');
  if (type === null) return { value: undefined };
  if (type !== 'postMessage' && type !== 'iframe')
    return { fault: 'completion_type must be postMessage or iframe.' };
  const origin = completionOrigin(context, incoming);
  return origin === undefined
    ? { fault: 'The completion_origin is not allowed.' }
    : { value: { type, origin } };
}

/** How the sign-in is to end (reference §5.1): with a cookie, or in one of the ways of token mode. */
export function loginMode(context: RouteContext, incoming: Incoming): LoginMode {
  const { query } = incoming.target;
  const asked = query.get('session_mode') ?? 'cookie';
  if (asked !== 'cookie' && asked !== 'token') return { fault: 'session_mode must be cookie or token.' };
  const challenge = challengeOf(query);
  if ('fault' in challenge) return challenge;
  const completion = completionOf(context, incoming);
  if ('fault' in completion) return completion;
  const plain = asked === 'cookie' && challenge.value === undefined && completion.value === undefined;
  return { tokenMode: plain ? undefined : { challenge: challenge.value, completion: completion.value } };
}
