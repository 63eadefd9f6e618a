import type { HttpHandler } from '@azure/functions';
import { formatScope } from '../domain/scope.js';
import type { TokenAnswer, TokenEndpoint } from '../flows/token_endpoint.js';
import { ACCESS_TOKEN_TYPE } from '../grant_types/token_exchange.js';
import type { DpopProofs } from '../ports.js';
import { json } from './answers.js';
import { type ClientFormOptions, createClientFormEndpoint } from './client_form.js';
import { RENEWALS, renewalMessage } from './host.js';

/** `POST /token` (RFC 6749 §3.2, RFC 8693 §2). */
export function createTokenHandler(
  { flow, proofs }: { flow: TokenEndpoint; proofs: DpopProofs },
  options: ClientFormOptions,
): HttpHandler {
  return createClientFormEndpoint(options, async (read, { request, correlationId, output }) => {
    const proof = request.headers.get('dpop');
    const issued = await flow({
      read: async () => ({ ...(await read()), ...(proof === null ? {} : { proof }) }),
      correlationId,
    });
    if (issued.renewal) output(RENEWALS, renewalMessage(issued.renewal));
    const nonce = proof === null ? {} : { 'DPoP-Nonce': await proofs.nonce() };
    return json(200, bodyOf(issued), { Pragma: 'no-cache', ...nonce });
  });
}

/** RFC 8693 §2.2.1, with `narrowing` to say truly what became of the request. */
function bodyOf(issued: TokenAnswer): Record<string, unknown> {
  return {
    access_token: issued.accessToken,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: issued.tokenType,
    expires_in: issued.expiresIn,
    scope: formatScope(issued.scope),
    narrowing: issued.narrowing,
    ...(issued.dropped.length === 0 ? {} : { dropped_scope: formatScope(issued.dropped) }),
    ...(issued.wider.length === 0 ? {} : { wider_scope: formatScope(issued.wider) }),
    ...(issued.refreshToken === undefined ? {} : { refresh_token: issued.refreshToken }),
  };
}
