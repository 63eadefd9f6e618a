import type { Connection } from '../domain/connection.js';
import { Unreadable } from '../domain/errors.js';
import type { SealedPlace, SealedPlaces, Versioned } from '../ports.js';
import { sealContext } from './jose/key_ring.js';
import { CONTEXT, KEYS } from './shared_secret.js';
import { collect } from './tables/collect.js';
import { columnsOf } from './tables/columns.js';
import { CONNECTION_ROW, connectionFrom } from './tables/connections.js';
import { decodeCursor } from './tables/cursor.js';
import { all, compare } from './tables/filter.js';
import { PARTITION } from './tables/signing_keys.js';
import type { StoredRow, Table } from './tables/table.js';

const PAGE = 200;

/** Reads whole tables: for an operator's command, and for nothing else. */
export function createSealedPlaces(tables: { connections: Table; signingKeys: Table }): SealedPlaces {
  const { connections, signingKeys } = tables;
  const placeOf = ({ row, etag }: StoredRow, context: SealedPlace['context']): SealedPlace => ({
    sealed: columnsOf('signingKeys', row).text('sealed'),
    context,
    replace: (sealed) => signingKeys.update({ ...row, sealed }, etag),
  });
  return {
    async own() {
      const keys = await signingKeys.all(compare('PartitionKey', 'eq', PARTITION));
      const secret = await signingKeys.read(KEYS.partitionKey, KEYS.rowKey);
      return [
        ...keys.map((stored) =>
          placeOf(stored, sealContext(columnsOf('signingKeys', stored.row).text('kid'))),
        ),
        ...(secret ? [placeOf(secret, CONTEXT)] : []),
      ];
    },
    async connections(cursor) {
      const after = cursor === undefined ? '' : decodeCursor(cursor).partitionKey;
      const filter = all(compare('PartitionKey', 'gt', after), compare('RowKey', 'eq', CONNECTION_ROW));
      const found = await collect(PAGE, (options) => connections.page(filter, options));
      const items = found.rows.flatMap(readable);
      const unreadable = found.rows.length - items.length;
      return { items, unreadable, ...(found.cursor === undefined ? {} : { cursor: found.cursor }) };
    },
  };
}

function readable({ row, etag }: StoredRow): readonly Versioned<Connection>[] {
  try {
    return [{ value: connectionFrom(row), etag }];
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}
