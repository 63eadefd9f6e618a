import type { HttpHandler } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import { formatScope } from '../domain/scope.js';
import type { IssuedToken } from '../flows/issue_token.js';
import type { TokenEndpoint } from '../flows/token_endpoint.js';
import { ACCESS_TOKEN_TYPE } from '../grant_types/token_exchange.js';
import { json } from './answers.js';
import { readForm } from './body.js';
import { readClientCredential } from './client_credential.js';
import { type Call, createEndpoint, type EndpointOptions } from './endpoint.js';

/** `POST /token` (RFC 6749 §3.2, RFC 8693 §2). */
export function createTokenHandler(
  flow: TokenEndpoint,
  options: Pick<EndpointOptions, 'gate' | 'log'>,
): HttpHandler {
  return createEndpoint({ ...options, errors: 'oauth', methods: ['POST'] }, async (call) => {
    try {
      return await answer(flow, call);
    } catch (error) {
      throw challenged(error, call);
    }
  });
}

async function answer(flow: TokenEndpoint, { request, correlationId }: Call) {
  const parameters = await readForm(request);
  const credential = readClientCredential(request, parameters);
  const issued = await flow({ parameters, credential, correlationId });
  return json(200, bodyOf(issued), { Pragma: 'no-cache' });
}

/** RFC 8693 §2.2.1, with `narrowing` to say truly what became of the request. */
function bodyOf(issued: IssuedToken): Record<string, unknown> {
  return {
    access_token: issued.accessToken,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: 'Bearer',
    expires_in: issued.expiresIn,
    scope: formatScope(issued.scope),
    narrowing: issued.narrowing,
  };
}

/** A client that tried the Authorization header is answered in its scheme (RFC 6749 §5.2). */
function challenged(error: unknown, { request }: Call): unknown {
  const tried = request.headers.get('authorization');
  if (!(error instanceof Refusal) || error.code !== 'invalid_client' || tried === null) return error;
  const scheme = /^bearer /i.test(tried) ? 'Bearer' : 'Basic';
  return new Refusal('invalid_client', {
    description: error.description,
    reason: error.reason,
    headers: { 'WWW-Authenticate': `${scheme} realm="token"` },
  });
}
