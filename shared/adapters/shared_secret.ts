import { hkdfSync } from 'node:crypto';
import type { SealContext } from '../domain/seal_context.js';
import type { Random, Vault } from '../ports.js';
import { columnsOf, SCHEMA } from './tables/columns.js';
import type { Table } from './tables/table.js';

export const KEYS = { partitionKey: 'shared-secret', rowKey: 'root' };
export const CONTEXT: SealContext = {
  table: 'signingKeys',
  subject: 'root',
  provider: '',
  generation: 0,
  purpose: 'shared_secret',
};

/** Derives a secret for one purpose from a root that all instances share: sealed in a row that the first of them writes (RFC 5869). */
export function createSharedSecret(deps: {
  table: Table;
  vault: Vault;
  random: Random;
}): (purpose: string) => () => Promise<Uint8Array> {
  let root: Promise<string> | undefined;
  const load = (): Promise<string> => {
    root ??= readOrMake(deps).catch((error: unknown) => {
      root = undefined;
      throw error;
    });
    return root;
  };
  return (purpose) => async () => new Uint8Array(hkdfSync('sha256', await load(), '', purpose, 32));
}

async function readOrMake({
  table,
  vault,
  random,
}: {
  table: Table;
  vault: Vault;
  random: Random;
}): Promise<string> {
  const known = await table.read(KEYS.partitionKey, KEYS.rowKey);
  if (!known) {
    const fresh = Buffer.from(random.bytes(32)).toString('base64url');
    await table.insert({ ...KEYS, schema: SCHEMA, sealed: await vault.seal(fresh, CONTEXT) });
  }
  const stored = known ?? (await table.read(KEYS.partitionKey, KEYS.rowKey));
  if (!stored) throw new Error('the shared secret could not be stored');
  return vault.open(columnsOf('signingKeys', stored.row).text('sealed'), CONTEXT);
}
