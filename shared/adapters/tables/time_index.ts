import { Unreadable } from '../../domain/errors.js';
import type { SpoiledRow } from '../../ports.js';
import { columnsOf, present, SCHEMA, timeColumn } from './columns.js';
import { all, compare } from './filter.js';
import type { Row, StoredRow, Table } from './table.js';

const MINUTE = 60_000;
const TRANSACTION_LIMIT = 100;
const PAGE = 1000;
/** Transactions under way at once while a page is being taken. */
const TAKEN_AT_ONCE = 8;

type Columns = Record<string, string | number | boolean | undefined>;

export interface TimeRows<T> {
  readonly table: Table;
  /** As errors name the rows. */
  readonly name: string;
  /** When the item is due, ms, and what tells it from others due at the same time: characters a key may have. */
  keyOf(item: T): { readonly at: number; readonly key: string };
  toColumns(item: T): Columns;
  /** @throws Unreadable */
  read(row: Row): T;
}

export interface TakeOptions<T> {
  readonly now: number;
  readonly hiddenUntil: number;
  readonly limit: number;
  /** Whether this one is still to be had: one that is not is passed over and stays. */
  readonly wants?: (item: T) => boolean;
  /** Asked before each page: false leaves the rest for the next time. */
  readonly goOn?: () => boolean;
  /** Told of every row that cannot be read. */
  readonly spoiled?: (row: SpoiledRow) => void;
}

export interface TimeIndex<T> {
  put(item: T): Promise<void>;
  remove(item: T): Promise<void>;
  take(options: TakeOptions<T>): Promise<readonly T[]>;
  discard(row: SpoiledRow): Promise<void>;
  /** What is due before `until`, hidden or not, counted up to `most`. */
  count(until: number, most: number): Promise<number>;
}

/**
 * Things to do, by the time at which they are to be done: one partition a minute, so that what is due is a key range and its cost does not
 * grow with what is not due yet. The time is part of the row's key too: something due again within the same minute must not meet its own earlier row.
 */
export function createTimeIndex<T>(rows: TimeRows<T>): TimeIndex<T> {
  const { table } = rows;
  return {
    async put(item) {
      await table.insert(rowOf(rows, item));
    },
    async remove(item) {
      const { partitionKey, rowKey } = rowOf(rows, item);
      await removeAt(table, { partitionKey, rowKey });
    },
    discard: (row) => removeAt(table, row),
    take: (options) => take(rows, options),
    async count(until, most) {
      let count = 0;
      for await (const page of dueRows(table, until, () => count < most)) count += page.length;
      return Math.min(count, most);
    },
  };
}

async function removeAt(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
): Promise<void> {
  const stored = await table.read(partitionKey, rowKey);
  if (stored) await table.remove(stored.row, stored.etag);
}

async function take<T>(rows: TimeRows<T>, options: TakeOptions<T>): Promise<readonly T[]> {
  const { now, limit, hiddenUntil } = options;
  const taken: T[] = [];
  const goOn = () => taken.length < limit && (options.goOn?.() ?? true);
  for await (const page of dueRows(rows.table, now, goOn)) {
    const open: Open<T>[] = [];
    for (const stored of page) {
      const item = openItem(rows, stored, options);
      if (item !== undefined && taken.length + open.length < limit && (options.wants?.(item) ?? true)) {
        open.push({ stored, item });
      }
    }
    taken.push(...(await hide(rows.table, open, hiddenUntil)));
  }
  return taken.sort((a, b) => rows.keyOf(a).at - rows.keyOf(b).at);
}

async function* dueRows(
  table: Table,
  now: number,
  goOn: () => boolean,
): AsyncGenerator<readonly StoredRow[]> {
  const filter = all(compare('PartitionKey', 'le', bucket(now)), compare('RowKey', 'le', `${moment(now)}-~`));
  let continuation: string | undefined;
  do {
    if (!goOn()) return;
    const page = await table.page(filter, { size: PAGE, ...(continuation ? { continuation } : {}) });
    yield page.rows;
    continuation = page.continuation;
  } while (continuation !== undefined);
}

interface Open<T> {
  readonly stored: StoredRow;
  readonly item: T;
}

/** Hides rows, a minute's in one transaction; when another taker was there first the whole of it is left to that one. */
async function hide<T>(table: Table, open: readonly Open<T>[], hiddenUntil: number): Promise<readonly T[]> {
  const waiting = inTransactions(open);
  const taken: T[] = [];
  const worker = async (): Promise<void> => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      const hidden = batch.map(({ stored: { row, etag } }) => ({
        kind: 'update' as const,
        row: { ...row, hiddenUntil: timeColumn(hiddenUntil) },
        etag,
      }));
      if (await table.commit(hidden)) taken.push(...batch.map(({ item }) => item));
    }
  };
  await Promise.all(Array.from({ length: TAKEN_AT_ONCE }, worker));
  return taken;
}

function inTransactions<T>(open: readonly Open<T>[]): Open<T>[][] {
  const batches: Open<T>[][] = [];
  for (const one of open) {
    const last = batches.at(-1);
    const partition = last?.[0]?.stored.row.partitionKey;
    if (last && partition === one.stored.row.partitionKey && last.length < TRANSACTION_LIMIT) last.push(one);
    else batches.push([one]);
  }
  return batches;
}

/** A row that cannot be read is passed over and told of: one bad row must not starve the rest. */
function openItem<T>(rows: TimeRows<T>, { row }: StoredRow, { now, spoiled }: TakeOptions<T>): T | undefined {
  try {
    const item = readItem(rows, row);
    const until = columnsOf(rows.name, row).optionalTime('hiddenUntil');
    return until === undefined || until <= now ? item : undefined;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { partitionKey, rowKey, schema } = row;
    const later = typeof schema === 'number' && schema > SCHEMA;
    spoiled?.({ partitionKey, rowKey, later, why: error.message });
    return undefined;
  }
}

/** A row whose keys are not those of its own columns could never be removed, and would come back for ever. */
function readItem<T>(rows: TimeRows<T>, row: Row): T {
  columnsOf(rows.name, row);
  const item = rows.read(row);
  const { partitionKey, rowKey } = rowOf(rows, item);
  if (row.partitionKey !== partitionKey || row.rowKey !== rowKey) {
    throw new Unreadable(`${rows.name} row has keys that are not of its columns`);
  }
  return item;
}

function bucket(time: number): string {
  return String(Math.floor(time / MINUTE)).padStart(10, '0');
}

function moment(time: number): string {
  return String(time).padStart(14, '0');
}

function rowOf<T>(rows: TimeRows<T>, item: T): Row {
  const { at, key } = rows.keyOf(item);
  return {
    partitionKey: bucket(at),
    rowKey: `${moment(at)}-${key}`,
    schema: SCHEMA,
    ...present(rows.toColumns(item)),
  };
}
