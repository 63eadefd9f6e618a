import type { HttpHandler } from '@azure/functions';
import { formatScope } from '../domain/scope.js';
import { subjectName } from '../domain/subject.js';
import type { Introspection, IntrospectToken } from '../flows/introspect_token.js';
import type { RevokeToken } from '../flows/revoke_token.js';
import { json } from './answers.js';
import { createClientFormEndpoint } from './client_form.js';
import type { EndpointOptions } from './endpoint.js';

type Options = Pick<EndpointOptions, 'gate' | 'log'>;

/** `POST /revoke` (RFC 7009 §2): 200 and nothing said, whatever became of it. */
export function createRevokeHandler(flow: RevokeToken, options: Options): HttpHandler {
  return createClientFormEndpoint(options, async (read, { correlationId }) => {
    await flow({ ...(await read()), correlationId });
    return { status: 200 };
  });
}

/** `POST /introspect` (RFC 7662 §2). */
export function createIntrospectHandler(
  flow: IntrospectToken,
  issuer: string,
  options: Options,
): HttpHandler {
  return createClientFormEndpoint(options, async (read) => {
    const found = await flow(await read());
    return json(200, found ? bodyOf(found, issuer) : { active: false });
  });
}

function bodyOf(found: Introspection, iss: string): Record<string, unknown> {
  const { kind } = found;
  const token = kind === 'grant' ? found.grant : found.claims;
  const common = {
    active: true,
    iss,
    sub: subjectName(token.subject),
    client_id: token.clientId,
    aud: token.resource,
    scope: formatScope(token.scope),
    exp: Math.floor(token.expiresAt / 1000),
  };
  if (kind === 'grant') {
    return { ...common, token_type: 'refresh_token', iat: Math.floor(found.grant.createdAt / 1000) };
  }
  const { id: jti, act, issuedAt, binding } = found.claims;
  const bound = binding ? { token_type: 'DPoP', cnf: { jkt: binding.jkt } } : { token_type: 'Bearer' };
  return { ...common, ...bound, iat: Math.floor(issuedAt / 1000), jti, act };
}
