import { digest } from '../../domain/digest.js';
import type { Random, ReplayStore, RevokedTokens } from '../../ports.js';
import { columnsOf, SCHEMA, timeColumn } from './columns.js';
import type { Table } from './table.js';

const DAY = 86_400_000;

/** The partition of the ids that are to be known until then. */
export function tokenIdDay(kind: string, until: number): string {
  return `${kind}-${String(Math.floor(until / DAY)).padStart(6, '0')}`;
}

/** One partition a day of expiry, so that what has ended is swept away whole; the day is in the token, so a look-up is one point read. */
function keysOf(
  kind: string,
  parts: readonly string[],
  until: number,
): { partitionKey: string; rowKey: string } {
  return { partitionKey: tokenIdDay(kind, until), rowKey: digest(kind, ...parts) };
}

export function createRevokedTokens(table: Table): RevokedTokens {
  return {
    async add(id, expiresAt) {
      await table.insert({
        ...keysOf('revoked', [id], expiresAt),
        schema: SCHEMA,
        until: timeColumn(expiresAt),
      });
    },
    async has(id, expiresAt) {
      const { partitionKey, rowKey } = keysOf('revoked', [id], expiresAt);
      return (await table.read(partitionKey, rowKey)) !== undefined;
    },
  };
}

/** Insert-if-absent, so that of many at once one passes, whichever instance they reach. */
export function createReplayStore(table: Table, random: Random): ReplayStore {
  return {
    async use(issuer, id, until) {
      const keys = keysOf('replay', [issuer, id], until);
      const use = random.uuid();
      const first = await table.insert({ ...keys, schema: SCHEMA, use, until: timeColumn(until) });
      // The SDK may have retried an insert that was applied: whose use the row names decides.
      return first || (await usedBy(table, keys)) === use;
    },
  };
}

async function usedBy(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
): Promise<string | undefined> {
  const stored = await table.read(partitionKey, rowKey);
  return stored && columnsOf('replay', stored.row).text('use');
}
