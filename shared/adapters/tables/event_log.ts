import type { EventLog, LogQuery } from '../../ports.js';
import { collect } from './collect.js';
import { decodeCursor } from './cursor.js';
import { all, compare } from './filter.js';
import { createGroupCommit } from './group_commit.js';
import type { Row, Table } from './table.js';

/**
 * What shares a partition, ms: long enough that rows of requests in flight share a transaction, short enough that no partition grows with
 * the traffic. Azure takes 2,000 rows a second into one partition, and an emulator that looks a key up by scanning its partition slows down
 * with every row in it.
 */
const SLOT_MS = 250;
/** Beyond every date JavaScript can hold is not needed: year 5138. */
const TIME_CEILING = 99_999_999_999_999;
const SLOT_CEILING = Math.floor(TIME_CEILING / SLOT_MS);

type ColumnOf = string | ((value: string) => string);

export interface EventRows<T, F> {
  readonly table: Table;
  toRow(item: T): Record<string, string | number | boolean | undefined>;
  fromRow(row: Row): T;
  /** Which column each member of a query's `match` is compared with; a value of which a row has several has a column of its own. */
  readonly columns: Readonly<Record<keyof F & string, ColumnOf>>;
}

/**
 * An append-only log over a table. Both keys count down from a far ceiling, a quarter of a second a partition, so that Table Storage's
 * only order (ascending) is newest first and a query over any span is one key-range read.
 */
export function createEventLog<T extends { id: string; at: number }, F extends object>(
  rows: EventRows<T, F>,
): EventLog<T, F> {
  const commit = createGroupCommit(rows.table);
  return {
    append: (item) => commit(Object.assign(rows.toRow(item), keysOf(item))),
    async query(query) {
      const filter = filterOf(query, rows.columns);
      const found = await collect(query.limit, (options) => rows.table.page(filter, options));
      return {
        items: found.rows.map(({ row }) => rows.fromRow(row)),
        ...(found.cursor === undefined ? {} : { cursor: found.cursor }),
      };
    },
  };
}

/** A cursor only ever moves on within the range that is asked for. */
function later(cursorKey: string | undefined, rangeKey: string): string {
  return cursorKey !== undefined && cursorKey > rangeKey ? cursorKey : rangeKey;
}

function keysOf({ at, id }: { at: number; id: string }): { partitionKey: string; rowKey: string } {
  return { partitionKey: partitionAt(at), rowKey: `${inverted(at)}-${id}` };
}

/** The partition of a moment; those of earlier ones come behind it. */
export function partitionAt(time: number): string {
  return String(SLOT_CEILING - Math.floor(time / SLOT_MS)).padStart(12, '0');
}

function inverted(time: number): string {
  return String(TIME_CEILING - time).padStart(14, '0');
}

function filterOf<F extends object>(query: LogQuery<F>, columns: Readonly<Record<string, ColumnOf>>): string {
  const start = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const conditions = [
    compare('PartitionKey', 'ge', later(start?.partitionKey, partitionAt(query.to - 1))),
    compare('PartitionKey', 'le', partitionAt(query.from)),
    compare('RowKey', 'gt', later(start?.rowKey, inverted(query.to - 1))),
    // A row's key continues with `-id`, and `-~` sorts behind every id.
    compare('RowKey', 'le', `${inverted(query.from)}-~`),
  ];
  for (const [name, value] of Object.entries(query.match)) {
    const column = columns[name];
    if (column === undefined || typeof value !== 'string') throw new TypeError(`no column for ${name}`);
    conditions.push(compare(typeof column === 'string' ? column : column(value), 'eq', value));
  }
  return all(...conditions);
}
