import { isSha256 } from '../domain/authorization_code.js';
import { readClaims } from '../domain/claims_request.js';
import { Refusal } from '../domain/errors.js';
import { requestedResource } from '../domain/resource.js';
import { intersect, isSubset, parseScope, type Scope } from '../domain/scope.js';
import type { ClientPolicy, Policy, ResourcePolicy } from '../policy.js';
import { assertNoDetails } from './token_asked.js';
import { noChallenge } from './vend_token.js';

/** Where an answer may be sent: a registered address of a known client, and nowhere else. */
export interface AuthorizationTarget {
  readonly client: ClientPolicy;
  readonly redirectUri: string;
  readonly state: string | undefined;
}

/** An authorization request (RFC 6749 §4.1.1) that policy allows; only its user is missing. */
export interface AuthorizationRequest extends AuthorizationTarget {
  readonly resource: string;
  readonly resourcePolicy: ResourcePolicy;
  readonly scope: Scope;
  readonly expiresInSeconds: number;
  readonly challenge: string;
  readonly jkt: string | undefined;
  /** A claims challenge: the user is to sign in again so that it is met. */
  readonly claims: string | undefined;
}

/** Parameters as sent: those that occur more than once are named apart. */
export interface AuthorizationParameters {
  readonly values: ReadonlyMap<string, string>;
  readonly repeated: ReadonlySet<string>;
}

/**
 * Finds out whom an answer may go to.
 * @throws Refusal `invalid_request` that must be shown to the user: there is nowhere it could safely be sent (RFC 6749 §4.1.2.1)
 */
export function readTarget(
  policy: Policy,
  { values, repeated }: AuthorizationParameters,
): AuthorizationTarget {
  const one = (name: string): string => {
    const value = values.get(name);
    if (repeated.has(name)) throw invalid(`${name} is given more than once`);
    if (value === undefined) throw invalid(`${name} is missing`);
    return value;
  };
  const client = policy.clients.get(one('client_id'));
  if (!client) throw invalid('client_id is not a known client');
  const redirectUri = one('redirect_uri');
  if (!client.redirectUris.includes(redirectUri)) {
    throw invalid('redirect_uri is not registered for this client');
  }
  if (repeated.has('state')) throw invalid('state is given more than once');
  return { client, redirectUri, state: values.get('state') };
}

/**
 * Reads the rest and asks policy.
 * @throws Refusal with the codes of RFC 6749 §4.1.2.1, RFC 7636 §4.4.1 and RFC 8707 §2, to be sent to the target
 */
export function readAuthorization(
  policy: Policy,
  target: AuthorizationTarget,
  { values, repeated }: AuthorizationParameters,
): AuthorizationRequest {
  const [name] = repeated;
  if (name !== undefined) throw invalid('a parameter is given more than once');
  assertResponse(values);
  assertNoDetails(values);
  const { client } = target;
  if (client.grantTypes && !client.grantTypes.includes('authorization_code')) {
    throw new Refusal('unauthorized_client', { description: 'this client may not ask for a code' });
  }
  const resource = requestedResource(values.get('resource'), undefined);
  const resourcePolicy = policy.resources.get(resource);
  const most = client.resources.get(resource);
  if (!resourcePolicy || !most) {
    throw new Refusal('invalid_target', { description: 'resource is not allowed for this client' });
  }
  return {
    ...target,
    resource,
    resourcePolicy,
    scope: readScope(values.get('scope'), intersect(most, resourcePolicy.scope)),
    expiresInSeconds: readExpiresIn(values.get('expires_in'), client.maxGrantSeconds),
    challenge: readChallenge(values),
    jkt: readJkt(values.get('dpop_jkt'), resourcePolicy),
    claims: readChallengeOf(values.get('claims'), resourcePolicy),
  };
}

function assertResponse(values: ReadonlyMap<string, string>): void {
  const type = values.get('response_type');
  if (type === undefined) throw invalid('response_type is missing');
  if (type !== 'code') {
    throw new Refusal('unsupported_response_type', { description: 'response_type must be code' });
  }
  const mode = values.get('response_mode');
  if (mode !== undefined && mode !== 'query') throw invalid('response_mode must be query');
  for (const name of ['request', 'request_uri']) {
    if (values.has(name)) throw invalid(`${name} is not supported`);
  }
}

function readScope(text: string | undefined, most: Scope): Scope {
  const scope = text === undefined ? most : parseScope(text);
  if (scope.length === 0 || !isSubset(scope, most)) {
    throw new Refusal('invalid_scope', {
      description: 'scope exceeds what this client may have at this resource',
    });
  }
  return scope;
}

function readExpiresIn(text: string | undefined, most: number): number {
  if (text === undefined) return most;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > most) {
    throw invalid('expires_in must be a number of seconds, and no more than policy allows this client');
  }
  return seconds;
}

/** S256 alone: with `plain` whoever reads the request could redeem the code (RFC 9700 §2.1.1). */
function readChallenge(values: ReadonlyMap<string, string>): string {
  const challenge = values.get('code_challenge');
  if (challenge === undefined) throw invalid('code_challenge is missing');
  if (values.get('code_challenge_method') !== 'S256') throw invalid('code_challenge_method must be S256');
  if (!isSha256(challenge)) throw invalid('code_challenge is not an S256 challenge');
  return challenge;
}

function readJkt(jkt: string | undefined, resource: ResourcePolicy): string | undefined {
  if (jkt === undefined) return undefined;
  if (!isSha256(jkt)) throw invalid('dpop_jkt is not a SHA-256 thumbprint');
  if (resource.narrowing !== 'minted') {
    throw new Refusal('invalid_target', {
      description: 'tokens of this resource belong to the provider and cannot be bound to a key',
    });
  }
  return jkt;
}

function readChallengeOf(claims: string | undefined, resource: ResourcePolicy): string | undefined {
  if (claims === undefined) return undefined;
  if (resource.narrowing === 'minted') throw noChallenge();
  return readClaims(claims);
}

function invalid(description: string): Refusal {
  return new Refusal('invalid_request', { description });
}
