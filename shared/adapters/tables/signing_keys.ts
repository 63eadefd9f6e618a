import { columnsOf, SCHEMA, timeColumn } from './columns.js';
import { compare } from './filter.js';
import type { Row, Table } from './table.js';

/** A signing key as stored: the private part sealed, the public part in clear. Times in ms. */
export interface StoredSigningKey {
  readonly kid: string;
  readonly sealed: string;
  readonly publicJwk: string;
  readonly createdAt: number;
  readonly retiredAt?: number;
}

export interface SigningKeyStore {
  /** Oldest first. */
  list(): Promise<readonly StoredSigningKey[]>;
  /** False when another instance has written this slot first: read the list again. */
  add(slot: number, key: StoredSigningKey): Promise<boolean>;
  /** False when there is no such key, or somebody else is changing it. */
  retire(kid: string, at: number): Promise<boolean>;
}

export const PARTITION = 'signing-keys';

/** Keys are numbered slots inserted only if absent, so that instances starting together agree on one first key. */
export function createSigningKeyStore(table: Table): SigningKeyStore {
  const rows = () => table.all(compare('PartitionKey', 'eq', PARTITION));
  return {
    list: async () => (await rows()).map(({ row }) => readKey(row)),
    async retire(kid, at) {
      const found = (await rows()).find(({ row }) => row.kid === kid);
      if (!found) return false;
      return table.update({ ...found.row, retiredAt: timeColumn(at) }, found.etag);
    },
    add: (slot, key) =>
      table.insert({
        partitionKey: PARTITION,
        rowKey: String(slot).padStart(6, '0'),
        schema: SCHEMA,
        kid: key.kid,
        sealed: key.sealed,
        publicJwk: key.publicJwk,
        createdAt: timeColumn(key.createdAt),
      }),
  };
}

function readKey(row: Row): StoredSigningKey {
  const read = columnsOf('signingKeys', row);
  const retiredAt = read.optionalTime('retiredAt');
  return {
    kid: read.text('kid'),
    sealed: read.text('sealed'),
    publicJwk: read.text('publicJwk'),
    createdAt: read.time('createdAt'),
    ...(retiredAt === undefined ? {} : { retiredAt }),
  };
}
