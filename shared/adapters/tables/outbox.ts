import { Unreadable } from '../../domain/errors.js';
import type { BrokerEvent } from '../../domain/event.js';
import { EVENT_TYPES } from '../../domain/event.js';
import type { DueEvent, Outbox, OutboxEntry } from '../../ports.js';
import { collect } from './collect.js';
import { columnsOf, present, SCHEMA, timeColumn } from './columns.js';
import { decodeCursor } from './cursor.js';
import { all, compare } from './filter.js';
import { readAll } from './readable.js';
import type { Row, Table } from './table.js';
import { createTimeIndex } from './time_index.js';

/**
 * One row an event, by its id, so that an event that is told of twice is found and kept once; a time index of what is to be delivered;
 * and a partition that names those which were given up, so that nobody has to search for them.
 */
export function createOutbox(tables: { entries: Table; due: Table }): Outbox {
  const { entries } = tables;
  const due = dueEvents(tables.due);
  return {
    async add(entry) {
      const { id, at } = entry.event;
      // The index first: an entry too many is dropped by who works on it, one too few would never be delivered.
      await due.put({ eventId: id, dueAt: at });
      return entries.insert(entryRow(entry));
    },
    async find(eventId) {
      const stored = await entries.read(partitionOf(eventId), eventId);
      return stored && { value: readEntry(stored.row), etag: stored.etag };
    },
    async replace(entry, etag) {
      if (entry.state === 'dead') await entries.insert(deadRow(entry));
      return entries.update(entryRow(entry), etag);
    },
    putDue: (item) => due.put(item),
    removeDue: (item) => due.remove(item),
    takeDue: (options) => due.take(options),
    dead: ({ limit, cursor }) => deadOnes(entries, limit, cursor),
    async revive(eventId, now) {
      const stored = await entries.read(partitionOf(eventId), eventId);
      const entry = stored && readEntry(stored.row);
      if (!stored || entry?.state !== 'dead') return false;
      await due.put({ eventId, dueAt: now });
      const revived = { ...entry, state: 'waiting' as const, attempts: 0 };
      if (!(await entries.update(entryRow(revived), stored.etag))) return false;
      await removeAt(entries, DEAD, eventId);
      return true;
    },
    forget: (before, most) => forget(entries, before, most),
  };
}

const DEAD = 'dead';

function partitionOf(eventId: string): string {
  return `event-${eventId.slice(0, 1)}`;
}

function dueEvents(table: Table) {
  return createTimeIndex<DueEvent>({
    table,
    name: 'eventsDue',
    keyOf: ({ eventId, dueAt }) => ({ at: dueAt, key: eventId }),
    toColumns: ({ eventId, dueAt }) => ({ eventId, dueAt: timeColumn(dueAt) }),
    read(row) {
      const read = columnsOf('eventsDue', row);
      return { eventId: read.text('eventId'), dueAt: read.time('dueAt') };
    },
  });
}

async function removeAt(table: Table, partitionKey: string, rowKey: string): Promise<boolean> {
  const stored = await table.read(partitionKey, rowKey);
  return stored !== undefined && table.remove(stored.row, stored.etag);
}

async function deadOnes(table: Table, limit: number, cursor: string | undefined) {
  const start = cursor === undefined ? '' : decodeCursor(cursor).rowKey;
  const filter = all(compare('PartitionKey', 'eq', DEAD), compare('RowKey', 'gt', start));
  const found = await collect(limit, (options) => table.page(filter, options));
  const rows = await Promise.all(
    found.rows.map(({ row }) => table.read(partitionOf(row.rowKey), row.rowKey)),
  );
  return {
    ...readAll(
      rows.filter((stored) => stored !== undefined),
      ({ row }) => readEntry(row),
    ),
    ...(found.cursor === undefined ? {} : { cursor: found.cursor }),
  };
}

async function forget(table: Table, before: number, most: number): Promise<number> {
  const filter = all(
    compare('PartitionKey', 'ge', 'event-'),
    compare('PartitionKey', 'lt', 'event-~'),
    compare('at', 'lt', timeColumn(before)),
  );
  const { rows } = await collect(most, (options) => table.page(filter, options));
  let count = 0;
  for (const { row, etag } of rows) {
    if (row.state === 'waiting') continue;
    await removeAt(table, DEAD, row.rowKey);
    if (await table.remove(row, etag)) count += 1;
  }
  return count;
}

function deadRow({ event }: OutboxEntry): Row {
  return { partitionKey: DEAD, rowKey: event.id, schema: SCHEMA };
}

function entryRow({ event, state, pending, attempts, lastError }: OutboxEntry): Row {
  return {
    partitionKey: partitionOf(event.id),
    rowKey: event.id,
    schema: SCHEMA,
    ...present({
      type: event.type,
      at: timeColumn(event.at),
      subject: event.subject,
      data: JSON.stringify(event.data),
      state,
      pending: pending.join(' '),
      attempts,
      lastError,
    }),
  };
}

function readEntry(row: Row): OutboxEntry {
  const read = columnsOf('events', row);
  const lastError = read.optionalText('lastError');
  return {
    event: {
      id: row.rowKey,
      type: read.oneOf('type', EVENT_TYPES),
      at: read.time('at'),
      subject: read.text('subject'),
      data: readData(read.text('data')),
    },
    state: read.oneOf('state', ['waiting', 'delivered', 'dead']),
    pending: read.text('pending').split(' ').filter(Boolean),
    attempts: read.int('attempts'),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

function readData(text: string): BrokerEvent['data'] {
  try {
    const value: unknown = JSON.parse(text);
    const members: [string, unknown][] = Object.entries(typeof value === 'object' && value ? value : {});
    const known = members.flatMap(([name, member]) =>
      typeof member === 'string' || typeof member === 'number' ? [[name, member] as const] : [],
    );
    return Object.fromEntries(known);
  } catch (cause) {
    throw new Unreadable('events row has an unreadable column data', cause);
  }
}
