import { Refusal } from '../domain/errors.js';
import { type Grant, grantKeys, grantState, isStillGranted } from '../domain/grant.js';
import { isSubset } from '../domain/scope.js';
import type { ClientPolicy } from '../policy.js';
import type { Clock, ConnectionStore, GrantStore, OwnTokenClaims, RevokedTokens, Tokens } from '../ports.js';
import { type AllowedDeps, allowedToday } from './allowed_today.js';
import type { AuthenticateClient, ClientCredential } from './authenticate_client.js';
import { ownToken } from './revoke_token.js';

/** What an active token is, for whoever may know; undefined for everything else. */
export type Introspection =
  | { readonly kind: 'access_token'; readonly claims: OwnTokenClaims }
  | { readonly kind: 'grant'; readonly grant: Grant };

export interface IntrospectionRequest {
  readonly parameters: ReadonlyMap<string, string>;
  readonly credential: ClientCredential;
}

export type IntrospectToken = (request: IntrospectionRequest) => Promise<Introspection | undefined>;

interface Deps extends AllowedDeps {
  readonly authenticateClient: AuthenticateClient;
  readonly grants: GrantStore;
  readonly connections: ConnectionStore;
  readonly tokens: Tokens;
  readonly revoked: RevokedTokens;
  readonly clock: Clock;
}

/**
 * RFC 7662: whether a token is still good, for the client it was made for and for the server of its resource. Good means more than signed
 * and not ended: the grant and the connection behind it must still stand, and policy must still allow it, so that a service that asks learns
 * of an end at once. A grant is shown with what policy leaves of it; an access token says its scope itself, so that it is good whole or not at all.
 */
export function createIntrospectToken(deps: Deps): IntrospectToken {
  return async ({ parameters, credential }) => {
    const client = await deps.authenticateClient(credential);
    const token = parameters.get('token');
    if (token === undefined) throw new Refusal('invalid_request', { description: 'token is missing' });
    return grantKeys(token)
      ? introspectGrant(deps, token, client)
      : introspectAccessToken(deps, token, client);
  };
}

async function introspectGrant(
  deps: Deps,
  grantId: string,
  client: ClientPolicy,
): Promise<Introspection | undefined> {
  const grant = (await deps.grants.find(grantId))?.value;
  if (!grant || grant.clientId !== client.clientId) return undefined;
  if (grantState(grant, deps.clock()) !== 'live') return undefined;
  const scope = allowedToday(deps, grant);
  if (scope.length === 0 || !(await isConnected(deps, grant))) return undefined;
  return { kind: 'grant', grant: { ...grant, scope } };
}

async function introspectAccessToken(
  deps: Deps,
  token: string,
  client: ClientPolicy,
): Promise<Introspection | undefined> {
  const claims = await ownToken(deps.tokens, token);
  if (!claims) return undefined;
  const visible = claims.clientId === client.clientId || client.serves.includes(claims.resource);
  if (!visible || !isSubset(claims.scope, allowedToday(deps, claims))) return undefined;
  if (await deps.revoked.has(claims.id, claims.expiresAt)) return undefined;
  const stands = (await isGranted(deps, claims)) && (await isConnected(deps, claims));
  return stands ? { kind: 'access_token', claims } : undefined;
}

async function isConnected(deps: Deps, { subject }: { subject: Grant['subject'] }): Promise<boolean> {
  return (await deps.connections.find(subject))?.value.state === 'active';
}

async function isGranted(deps: Deps, claims: OwnTokenClaims): Promise<boolean> {
  const grants = (await deps.grants.ofSubject(claims.subject)).map(({ value }) => value);
  return isStillGranted(claims, grants, deps.clock());
}
