import { createHash } from 'node:crypto';
import { GRAPH, ORDERS, TENANT } from '../../local/demo/tenant.js';
import { createConnectionStore } from '../../shared/adapters/tables/connections.js';
import { createGrantStore } from '../../shared/adapters/tables/grants.js';
import type { Table } from '../../shared/adapters/tables/table.js';
import { newGrantId } from '../../shared/domain/grant.js';
import { accessTokenSeal } from '../../shared/domain/seal_context.js';
import type { Subject } from '../../shared/domain/subject.js';
import type { Vault } from '../../shared/ports.js';

export const SCOPES = { [GRAPH]: 'Mail.Read', [ORDERS]: 'orders.read' } as const;
export type Resource = keyof typeof SCOPES;

const HOUR = 3_600_000;
const TOKEN = 'x'.repeat(1200);

/** The n-th made-up user: the same one in every process. */
function userOf(n: number): Subject {
  return { provider: 'aad', tenant: TENANT.tid, id: `bench-${n}` };
}

export function grantIdOf(n: number, clientId: string, resource: Resource): string {
  const random = createHash('sha256').update(`${n} ${clientId} ${resource}`).digest();
  return newGrantId(userOf(n), random);
}

/** Stores users with a living connection, a provider token kept with it, and a grant of each resource for each client. */
export async function addUsers(
  { table, vault }: { table: (name: string) => Table; vault: Vault },
  { users, clients }: { users: number; clients: readonly string[] },
): Promise<void> {
  const now = Date.now();
  const connections = createConnectionStore(table('connections'));
  const grants = createGrantStore(table('grants'));
  for (let n = 0; n < users; n++) {
    const subject = userOf(n);
    const owner = { subject, enrolment: 'bench', generation: 1 };
    const target = { resource: GRAPH, scope: [SCOPES[GRAPH]] };
    const sealed = await vault.seal(TOKEN, accessTokenSeal(owner, target));
    const token = { sealed, scope: target.scope, obtainedAt: now, expiresAt: now + HOUR };
    const times = { createdAt: now, renewedAt: now, refreshedAt: now };
    await connections.create(
      { ...owner, ...times, state: 'active' },
      { keep: [{ ...owner, target, token }] },
    );
    for (const clientId of clients) {
      for (const resource of [GRAPH, ORDERS] as const) {
        const grantId = grantIdOf(n, clientId, resource);
        const scope = [SCOPES[resource]];
        await grants.create({
          grantId,
          subject,
          clientId,
          resource,
          scope,
          createdAt: now,
          expiresAt: now + HOUR,
        });
      }
    }
  }
}
