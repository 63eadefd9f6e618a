import type { EventLog, LogQuery, Page } from '../../ports.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { all, compare } from './filter.js';
import type { Row, Table, TablePage } from './table.js';

const HOUR = 3_600_000;
/** Beyond every date JavaScript can hold is not needed: year 5138. */
const TIME_CEILING = 99_999_999_999_999;
const HOUR_CEILING = Math.floor(TIME_CEILING / HOUR);

export interface EventRows<T, F> {
  readonly table: Table;
  toRow(item: T): Record<string, string | number | boolean | undefined>;
  fromRow(row: Row): T;
  /** Which column each member of a query's `match` is compared with. */
  readonly columns: Readonly<Record<keyof F & string, string>>;
}

/**
 * An append-only log over a table. Both keys count down from a far ceiling, an hour a partition, so that Table Storage's
 * only order (ascending) is newest first and a query over any span is one key-range read.
 */
export function createEventLog<T extends { id: string; at: number }, F extends object>(
  rows: EventRows<T, F>,
): EventLog<T, F> {
  const read = (row: Row) => rows.fromRow(row);
  return {
    async append(item) {
      // A taken key is our own write, applied and retried by the SDK: the id is drawn fresh for every item.
      await rows.table.insert({ ...rows.toRow(item), ...keysOf(item) });
    },
    async query(query) {
      const filter = filterOf(query, rows.columns);
      return collect(query.limit, read, (size, continuation) =>
        rows.table.page(filter, { size, ...(continuation ? { continuation } : {}) }),
      );
    },
  };
}

function keysOf({ at, id }: { at: number; id: string }): { partitionKey: string; rowKey: string } {
  return { partitionKey: partitionAt(at), rowKey: `${inverted(at)}-${id}` };
}

function partitionAt(time: number): string {
  return String(HOUR_CEILING - Math.floor(time / HOUR)).padStart(8, '0');
}

function inverted(time: number): string {
  return String(TIME_CEILING - time).padStart(14, '0');
}

function filterOf<F extends object>(query: LogQuery<F>, columns: Readonly<Record<string, string>>): string {
  const start = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const newest = partitionAt(query.to - 1);
  const conditions = [
    compare('PartitionKey', 'ge', start && start.partitionKey > newest ? start.partitionKey : newest),
    compare('PartitionKey', 'le', partitionAt(query.from)),
    compare('RowKey', 'gt', start?.rowKey ?? inverted(query.to - 1)),
    // A row's key continues with `-id`, and `-~` sorts behind every id.
    compare('RowKey', 'le', `${inverted(query.from)}-~`),
  ];
  for (const [name, value] of Object.entries(query.match)) {
    const column = columns[name];
    if (column === undefined || typeof value !== 'string') throw new TypeError(`no column for ${name}`);
    conditions.push(compare(column, 'eq', value));
  }
  return all(...conditions);
}

/** Table Storage may return short or empty pages with more behind them: read on until the page is full. */
async function collect<T>(
  limit: number,
  read: (row: Row) => T,
  page: (size: number, continuation: string | undefined) => Promise<TablePage>,
): Promise<Page<T>> {
  const found: Row[] = [];
  let continuation: string | undefined;
  do {
    const next = await page(limit - found.length, continuation);
    found.push(...next.rows.map(({ row }) => row));
    continuation = next.continuation;
  } while (continuation !== undefined && found.length < limit);
  const last = found.at(-1);
  const more = continuation !== undefined && last !== undefined;
  return { items: found.map(read), ...(more ? { cursor: encodeCursor(last) } : {}) };
}
