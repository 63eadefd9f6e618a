import type { HttpHandler } from '@azure/functions';
import { confirmationOf } from '../domain/binding.js';
import { formatScope } from '../domain/scope.js';
import { subjectName } from '../domain/subject.js';
import type { Introspection, IntrospectToken } from '../flows/introspect_token.js';
import type { RevokeToken } from '../flows/revoke_token.js';
import { json } from './answers.js';
import { type ClientFormOptions, createClientFormEndpoint } from './client_form.js';

type Options = ClientFormOptions;

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
  const bound = {
    token_type: binding?.jkt === undefined ? 'Bearer' : 'DPoP',
    ...(binding ? { cnf: confirmationOf(binding) } : {}),
  };
  return { ...common, ...bound, iat: Math.floor(issuedAt / 1000), jti, act };
}
