import { Unreadable } from '../../domain/errors.js';
import { subjectKey } from '../../domain/subject.js';
import type { DueIndex, DueItem } from '../../ports.js';
import { columnsOf, present, SCHEMA, subjectColumns, timeColumn } from './columns.js';
import { all, compare } from './filter.js';
import type { Row, StoredRow, Table } from './table.js';

const MINUTE = 60_000;
const TRANSACTION_LIMIT = 100;

/** One partition a minute of due time: what is due is a key range, and its cost does not grow with the number of users. */
export function createDueIndex(table: Table): DueIndex {
  return {
    async put(item) {
      await table.insert(dueRow(item));
    },
    async remove(item) {
      const { partitionKey, rowKey } = dueRow(item);
      const stored = await table.read(partitionKey, rowKey);
      if (stored) await table.remove(stored.row, stored.etag);
    },
    async take({ now, hiddenUntil, limit }) {
      const taken: DueItem[] = [];
      for await (const rows of dueRows(table, now)) {
        const open = rows.filter(({ row }) => isOpen(row, now)).slice(0, limit - taken.length);
        taken.push(...(await takeRows(table, open, hiddenUntil)));
        if (taken.length >= limit) break;
      }
      return taken.sort((a, b) => a.dueAt - b.dueAt);
    },
  };
}

async function* dueRows(table: Table, now: number): AsyncGenerator<readonly StoredRow[]> {
  const filter = all(compare('PartitionKey', 'le', bucket(now)), compare('RowKey', 'le', `${moment(now)}-~`));
  let continuation: string | undefined;
  do {
    const page = await table.page(filter, { size: 1000, ...(continuation ? { continuation } : {}) });
    yield page.rows;
    continuation = page.continuation;
  } while (continuation !== undefined);
}

/** Hides a minute's rows in one transaction; when another taker was there first the whole minute is left to it. */
async function takeRows(
  table: Table,
  rows: readonly StoredRow[],
  hiddenUntil: number,
): Promise<readonly DueItem[]> {
  const batches = await Promise.all(
    inTransactions(rows).map(async (batch) => {
      const hidden = batch.map(({ row, etag }) => ({
        kind: 'update' as const,
        row: { ...row, hiddenUntil: timeColumn(hiddenUntil) },
        etag,
      }));
      return (await table.commit(hidden)) ? batch.map(({ row }) => readDue(row)) : [];
    }),
  );
  return batches.flat();
}

function inTransactions(rows: readonly StoredRow[]): readonly (readonly StoredRow[])[] {
  const batches: StoredRow[][] = [];
  for (const stored of rows) {
    const last = batches.at(-1);
    const fits = last?.[0]?.row.partitionKey === stored.row.partitionKey && last.length < TRANSACTION_LIMIT;
    if (last && fits) last.push(stored);
    else batches.push([stored]);
  }
  return batches;
}

/** A row that cannot be read is passed over: one bad row must not starve the rest. */
function isOpen(row: Row, now: number): boolean {
  try {
    readDue(row);
    const until = columnsOf('due', row).optionalTime('hiddenUntil');
    return until === undefined || until <= now;
  } catch (error) {
    if (error instanceof Unreadable) return false;
    throw error;
  }
}

function bucket(time: number): string {
  return String(Math.floor(time / MINUTE)).padStart(10, '0');
}

function moment(time: number): string {
  return String(time).padStart(14, '0');
}

/** The time is part of the key: a connection due again within the same minute must not meet its own earlier row. */
function dueRow(item: DueItem): Row {
  return present({
    partitionKey: bucket(item.dueAt),
    rowKey: `${moment(item.dueAt)}-${subjectKey(item.subject)}`,
    schema: SCHEMA,
    ...subjectColumns(item.subject),
    dueAt: timeColumn(item.dueAt),
  });
}

/** A row whose keys are not those of its own columns could never be removed, and would come back for ever. */
function readDue(row: Row): DueItem {
  const read = columnsOf('due', row);
  const item = { subject: read.subject(), dueAt: read.time('dueAt') };
  const { partitionKey, rowKey } = dueRow(item);
  if (row.partitionKey !== partitionKey || row.rowKey !== rowKey) {
    throw new Unreadable('due row has keys that are not of its columns');
  }
  return item;
}
