import { substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import { emptyReply, jsonReply, type Reply, textReply } from '../http/reply.js';
import type { Provider } from '../providers/provider.js';
import type { RouteContext } from './context.js';
import { tokenBody } from './establish.js';

/**
 * `GET /.auth/login/<provider>/token?authorization_code=&code_verifier=`: finishes a native sign-in (reference §5.3). 401 for a
 * code that is not good, too old, used or of another client.
 */
export async function nativeToken(
  context: RouteContext,
  incoming: Incoming,
  provider: Provider,
): Promise<Reply> {
  if (incoming.method !== 'GET') return emptyReply(405, { headers: ['Allow', 'GET'] });
  const { query } = incoming.target;
  const code = query.get('authorization_code') ?? '';
  const verifier = query.get('code_verifier') ?? '';
  if (code === '' || verifier === '')
    return textReply(400, 'authorization_code and code_verifier are needed.');
  const session = await context.nativeCodes.redeem(code, verifier);
  if (session?.principal.provider !== provider.alias)
    return emptyReply(401, { substatus: substatus.invalidToken });
  return jsonReply(await tokenBody(context, incoming, session));
}
