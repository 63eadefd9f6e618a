import {
  BadRequestError,
  InvalidTokenError,
  LoginProtocolError,
  messageOf,
  ProviderError,
  substatus,
} from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import { readJsonBody } from '../http/json_body.js';
import { emptyReply, jsonReply, type Reply, textReply } from '../http/reply.js';
import type { Provider, SignedIn } from '../providers/provider.js';
import type { RouteContext } from './context.js';
import { cookieFor, holderOf, keepTokens, tokenBody, tokenSessionFor } from './establish.js';
import { providerTrouble } from './start_login.js';

async function establish(context: RouteContext, incoming: Incoming, signedIn: SignedIn): Promise<Reply> {
  await keepTokens(context, signedIn);
  const holder = holderOf(signedIn);
  const session = tokenSessionFor(context, holder);
  const reply = jsonReply(await tokenBody(context, incoming, session));
  const tokenOnly = incoming.target.query.get('session_mode') === 'token';
  const cookies = tokenOnly ? [] : cookieFor(context, incoming, holder).cookies;
  context.log('info', 'signed in with a token of the provider', {
    provider: signedIn.tokens.provider,
    session: session.sid,
    substatus: substatus.providerTokenAccepted,
  });
  return { ...reply, headers: [...reply.headers, ...cookies.flatMap((cookie) => ['Set-Cookie', cookie])] };
}

function refusal(context: RouteContext, error: unknown): Reply {
  if (error instanceof BadRequestError) return textReply(400, `The body is not right: ${error.message}.`);
  const refused = error instanceof ProviderError && error.failure === 'rejected';
  if (refused || error instanceof InvalidTokenError || error instanceof LoginProtocolError)
    return emptyReply(401, { substatus: substatus.invalidToken, reason: messageOf(error) });
  return providerTrouble(context, error);
}

/**
 * `POST /.auth/login/<provider>`: client-directed sign-in (reference §5.4). 200 with a session token, and a session cookie unless
 * `session_mode=token`; 401 for a token that is not valid, 405 for a provider without this sign-in.
 */
export async function acceptTokens(
  context: RouteContext,
  incoming: Incoming,
  provider: Provider,
): Promise<Reply> {
  if (provider.acceptTokens === undefined) return emptyReply(405, { headers: ['Allow', 'GET, HEAD'] });
  const body = await readJsonBody(incoming.request);
  if (body === undefined) return textReply(400, 'The body must be a JSON object, sent as application/json.');
  try {
    const signedIn = await provider.acceptTokens(body);
    if (!provider.admits(signedIn.principal, 'session'))
      return emptyReply(403, { substatus: substatus.authorizationCheckFailed });
    return await establish(context, incoming, signedIn);
  } catch (error) {
    return refusal(context, error);
  }
}
