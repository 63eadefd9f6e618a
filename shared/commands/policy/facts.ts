import { grantState } from '../../domain/grant.js';
import { scopeOf } from '../../domain/scope.js';
import type { Policy } from '../../policy.js';
import type { Asked, Facts } from './asked.js';
import type { OperatorStores } from './tools.js';

const NO_GRANT_ID = 'none';

/** A user who has agreed to all that the client may ask for, in the groups and roles that were named. */
export function assumedFacts(policy: Policy, asked: Asked): Facts {
  const { subject, resource, at, heldScope, membership } = asked;
  const client = policy.clients.get(asked.clientId);
  const scope = heldScope ?? client?.resources.get(resource) ?? asked.scope ?? [];
  const expiresAt = at + (client?.maxGrantSeconds ?? 0) * 1000;
  const saysNothing = membership.groups === undefined && membership.roles === undefined;
  const asksMore = client?.subjects?.groups !== undefined || client?.subjects?.roles !== undefined;
  return {
    held: { subject, resource, scope, expiresAt, grantId: NO_GRANT_ID },
    membership,
    assumed: [
      ...(heldScope ? [] : ['the user has allowed this client all it may ask for (--held, --live)']),
      ...(saysNothing && asksMore
        ? ['the user is in no group and has no role (--group, --role, --live)']
        : []),
    ],
  };
}

/** What storage knows of the user: the connection, what it proves, and the grants to this client at this resource. */
export async function liveFacts(stores: OperatorStores, asked: Asked): Promise<Facts> {
  const { subject, resource, clientId, at } = asked;
  const connection = (await stores.connections.find(subject))?.value;
  if (connection?.state !== 'active') return refused('the connection', 'the user has no living connection');
  const grants = (await stores.grants.ofSubject(subject))
    .map(({ value }) => value)
    .filter((grant) => grant.clientId === clientId && grant.resource === resource)
    .filter((grant) => grantState(grant, at) === 'live');
  const [first] = grants;
  if (!first) return refused('the grant', 'the user has no live grant to this client at this resource');
  const scope = scopeOf(grants.flatMap((grant) => grant.scope));
  const expiresAt = Math.max(...grants.map((grant) => grant.expiresAt));
  return {
    held: { subject, resource, scope, expiresAt, grantId: first.grantId },
    membership: connection.membership,
    assumed: grants.length > 1 ? [`the ${grants.length} live grants are presented together`] : [],
  };
}

function refused(decidedBy: string, reason: string): Facts {
  return { assumed: [], outcome: { allowed: false, decidedBy, error: 'invalid_grant', reason } };
}
