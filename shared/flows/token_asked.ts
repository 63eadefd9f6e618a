import { readClaims } from '../domain/claims_request.js';
import { Refusal } from '../domain/errors.js';
import { requestedResource } from '../domain/resource.js';
import { parseScope, type Scope } from '../domain/scope.js';
import type { GrantType, TokenParameters } from '../grant_types/grant_type.js';

/** What a token request asks for, whatever it presents. */
export interface TokenAsked {
  /** Undefined asks for the resource that what is presented names. */
  readonly resource: string | undefined;
  /** Undefined asks for all that is held. */
  readonly scope: Scope | undefined;
  /** Undefined when the client did not say. */
  readonly minTtlSeconds: number | undefined;
  /** A claims challenge of the resource that the token has to answer. */
  readonly claims: string | undefined;
}

const MOST_TTL_SECONDS = 86_400;

/** @throws Refusal `invalid_request`, `invalid_scope` or `invalid_target`, naming the parameter */
export function readAsked(parameters: TokenParameters, grantType: GrantType): TokenAsked {
  assertNoDetails(parameters);
  const [scope, resource, audience, claims] = ['scope', 'resource', 'audience', 'claims'].map((name) =>
    parameters.get(name),
  );
  const silent = resource === undefined && audience === undefined;
  return {
    resource: silent && grantType.namesResource ? undefined : requestedResource(resource, audience),
    scope: scope === undefined ? undefined : parseScope(scope),
    minTtlSeconds: minTtl(parameters.get('min_ttl')),
    claims: claims === undefined ? undefined : readClaims(claims),
  };
}

/** Rich authorization requests (RFC 9396 §5): no type of them is known here, and passing one over would give more than was meant. */
export function assertNoDetails(parameters: ReadonlyMap<string, string>): void {
  if (!parameters.has('authorization_details')) return;
  throw new Refusal('invalid_authorization_details', {
    description: 'authorization_details is not supported',
  });
}

function minTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MOST_TTL_SECONDS)) {
    throw new Refusal('invalid_request', { description: 'min_ttl must be a number of seconds up to 86400' });
  }
  return seconds;
}
