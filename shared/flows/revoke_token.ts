import { Refusal } from '../domain/errors.js';
import { grantKeys } from '../domain/grant.js';
import { subjectName } from '../domain/subject.js';
import type { ClientPolicy } from '../policy.js';
import type { AuditLog, Clock, GrantStore, OwnTokenClaims, Random, RevokedTokens, Tokens } from '../ports.js';
import type { AuthenticateClient, ClientCredential } from './authenticate_client.js';
import { endGrant } from './end_grant.js';

export interface RevocationRequest {
  readonly parameters: ReadonlyMap<string, string>;
  readonly credential: ClientCredential;
  readonly correlationId: string;
}

export type RevokeToken = (request: RevocationRequest) => Promise<void>;

interface Deps {
  readonly authenticateClient: AuthenticateClient;
  readonly grants: GrantStore;
  readonly tokens: Tokens;
  readonly revoked: RevokedTokens;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * RFC 7009: ends a grant, or one minted access token, of the client that asks. What is unknown or somebody else's is nothing to that
 * client, and answered like a success (§2.2), so that nobody can probe for tokens.
 */
export function createRevokeToken(deps: Deps): RevokeToken {
  return async ({ parameters, credential, correlationId }) => {
    const client = await deps.authenticateClient(credential);
    const token = parameters.get('token');
    if (token === undefined) throw new Refusal('invalid_request', { description: 'token is missing' });
    // `token_type_hint` only speeds up a search (§2.1); here the token's own form tells.
    if (grantKeys(token)) return revokeGrant(deps, token, { client, correlationId });
    const own = await ownToken(deps.tokens, token);
    if (own?.clientId === client.clientId) await revokeAccessToken(deps, own, correlationId);
  };
}

async function revokeGrant(
  deps: Deps,
  grantId: string,
  { client, correlationId }: { client: ClientPolicy; correlationId: string },
): Promise<void> {
  const found = await deps.grants.find(grantId);
  if (found?.value.clientId === client.clientId)
    await endGrant(deps, grantId, { by: 'client', correlationId });
}

async function revokeAccessToken(deps: Deps, own: OwnTokenClaims, correlationId: string): Promise<void> {
  await deps.revoked.add(own.id, own.expiresAt);
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: 'token.revoked',
    subject: subjectName(own.subject),
    clientId: own.clientId,
    resource: own.resource,
    tokenId: own.id,
    correlationId,
  });
}

/** A live access token of the broker's own, or undefined for anything else. */
export async function ownToken(tokens: Tokens, token: string): Promise<OwnTokenClaims | undefined> {
  try {
    return await tokens.verifyOwnToken(token);
  } catch (error) {
    if (error instanceof Refusal && error.status < 500) return undefined;
    throw error;
  }
}
