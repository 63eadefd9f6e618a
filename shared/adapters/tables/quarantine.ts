import type { Quarantine, Quarantined } from '../../ports.js';
import { collect } from './collect.js';
import { columnsOf, present, SCHEMA, subjectColumns, timeColumn } from './columns.js';
import { decodeCursor } from './cursor.js';
import { all, compare } from './filter.js';
import { readAll } from './readable.js';
import type { Row, Table } from './table.js';

const PARTITION = 'quarantine';
const WRITE_TRIES = 5;

/** One partition: what is set aside is little, or there is an alarm. */
export function createQuarantine(table: Table): Quarantine {
  return {
    async find(id) {
      const stored = await table.read(PARTITION, id);
      return stored && readEntry(stored.row);
    },
    async put(entry) {
      for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
        const stored = await table.read(PARTITION, entry.id);
        const row = entryRow(entry);
        if (stored ? await table.update(row, stored.etag) : await table.insert(row)) return;
      }
    },
    async remove(id) {
      const stored = await table.read(PARTITION, id);
      return stored !== undefined && table.remove(stored.row, stored.etag);
    },
    async forget(before, most) {
      let count = 0;
      for (const what of ['due_row', 'message']) {
        const old = all(
          compare('PartitionKey', 'eq', PARTITION),
          compare('what', 'eq', what),
          compare('lastAt', 'lt', timeColumn(before)),
        );
        const { rows } = await collect(Math.max(1, most - count), (options) => table.page(old, options));
        // One that was met again in between is not the one that was read.
        for (const { row, etag } of rows) if (await table.remove(row, etag)) count += 1;
      }
      return count;
    },
    async list({ limit, cursor }) {
      const start = cursor === undefined ? '' : decodeCursor(cursor).rowKey;
      const filter = all(compare('PartitionKey', 'eq', PARTITION), compare('RowKey', 'gt', start));
      const found = await collect(limit, (options) => table.page(filter, options));
      return {
        ...readAll(found.rows, ({ row }) => readEntry(row)),
        ...(found.cursor === undefined ? {} : { cursor: found.cursor }),
      };
    },
  };
}

function entryRow(entry: Quarantined): Row {
  return {
    partitionKey: PARTITION,
    rowKey: entry.id,
    schema: SCHEMA,
    ...present({
      what: entry.what,
      why: entry.why,
      ...(entry.subject ? subjectColumns(entry.subject) : {}),
      firstAt: timeColumn(entry.firstAt),
      lastAt: timeColumn(entry.lastAt),
      times: entry.times,
      nextTryAt: entry.nextTryAt === undefined ? undefined : timeColumn(entry.nextTryAt),
    }),
  };
}

function readEntry(row: Row): Quarantined {
  const read = columnsOf('quarantine', row);
  const nextTryAt = read.optionalTime('nextTryAt');
  return {
    id: row.rowKey,
    what: read.oneOf('what', ['connection', 'due_row', 'message']),
    why: read.text('why'),
    ...(row.provider === undefined ? {} : { subject: read.subject() }),
    firstAt: read.time('firstAt'),
    lastAt: read.time('lastAt'),
    times: read.int('times'),
    ...(nextTryAt === undefined ? {} : { nextTryAt }),
  };
}
