import { subjectKey } from '../../domain/subject.js';
import type { Archive, ConnectionStore, SweepPosition } from '../../ports.js';
import { columnsOf, present, SCHEMA, timeColumn } from './columns.js';
import { CONNECTION_ROW, connectionFrom } from './connections.js';
import { partitionAt } from './event_log.js';
import { all, compare } from './filter.js';
import { grantKeysOf } from './grants.js';
import { readAll } from './readable.js';
import type { Row, StoredRow, Table } from './table.js';
import { tokenIdDay } from './token_ids.js';

const POSITION = { partitionKey: 'sweep', rowKey: 'position' };
const REMOVED_AT_ONCE = 16;
const WRITE_TRIES = 3;

interface Deps {
  readonly connections: Table;
  readonly grants: Table;
  readonly failures: Table;
  readonly tokenIds: Table;
  readonly positions: Table;
  /** Writes through here are seen by who reads connections. */
  readonly store: ConnectionStore;
}

/** Walks and clears the tables: the one place that reads across partitions, in slices and never for a request. */
export function createArchive(deps: Deps): Archive {
  return {
    connections: (options) => walk(deps.connections, options),
    async removeGrant({ value, etag }) {
      const { grant, pointer } = grantKeysOf(value);
      // The pointer carries no authority and goes first: a grant without one is met again, one without a grant is not.
      await removeAt(deps.grants, pointer);
      return deps.grants.remove(grant, etag);
    },
    async removeConnection({ value, etag }) {
      const kept = await deps.store.keptTokens(value.subject);
      const drop = kept.map(({ target }) => target);
      if (drop.length > 0 && !(await deps.store.replace(value, etag, { drop }))) return false;
      const found = drop.length > 0 ? await deps.store.find(value.subject) : { value, etag };
      // Its user may have connected anew since: that one's etag is not what was decided on.
      if (found?.value.state !== value.state || found.value.enrolment !== value.enrolment) return false;
      const row = { partitionKey: subjectKey(value.subject), rowKey: CONNECTION_ROW };
      return deps.connections.remove(row, found.etag);
    },
    // Its keys count down: what is older comes behind.
    forgetFailures: (before, most) =>
      removeAll(deps.failures, compare('PartitionKey', 'gt', partitionAt(before)), most),
    async forgetTokenIds(before, most) {
      let count = 0;
      for (const kind of ['replay', 'revoked'] as const) {
        const ofKind = all(
          compare('PartitionKey', 'ge', `${kind}-`),
          compare('PartitionKey', 'lt', tokenIdDay(kind, before)),
        );
        if (count < most) count += await removeAll(deps.tokenIds, ofKind, most - count);
      }
      return count;
    },
    async position() {
      const stored = await deps.positions.read(POSITION.partitionKey, POSITION.rowKey);
      if (!stored) return undefined;
      // A position that cannot be read is none: the round begins anew, and writes it anew.
      return readAll([stored.row], positionOf).items[0];
    },
    async setPosition({ startedAt, after }) {
      const row: Row = {
        ...POSITION,
        schema: SCHEMA,
        ...present({ startedAt: timeColumn(startedAt), after }),
      };
      for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
        const stored = await deps.positions.read(POSITION.partitionKey, POSITION.rowKey);
        if (stored ? await deps.positions.update(row, stored.etag) : await deps.positions.insert(row)) return;
      }
    },
  };
}

function positionOf(row: Row): SweepPosition {
  const read = columnsOf('sweep', row);
  const after = read.optionalText('after');
  return { startedAt: read.time('startedAt'), ...(after === undefined ? {} : { after }) };
}

async function walk(
  table: Table,
  { after = '', limit }: { after?: string; limit: number },
): ReturnType<Archive['connections']> {
  const filter = all(compare('PartitionKey', 'gt', after), compare('RowKey', 'eq', CONNECTION_ROW));
  const rows: StoredRow[] = [];
  let continuation: string | undefined;
  do {
    const size = Math.min(1000, limit - rows.length);
    const page = await table.page(filter, { size, ...(continuation ? { continuation } : {}) });
    rows.push(...page.rows);
    continuation = page.continuation;
  } while (continuation !== undefined && rows.length < limit);
  // The worker meets those that cannot be read, and sets them aside.
  const { items, unreadable } = readAll(rows, ({ row }) => connectionFrom(row));
  const last = rows.at(-1)?.row.partitionKey;
  const more = continuation !== undefined && last !== undefined;
  return { items, unreadable, ...(more ? { after: last } : {}) };
}

async function removeAt(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
): Promise<void> {
  const stored = await table.read(partitionKey, rowKey);
  if (stored) await table.remove(stored.row, stored.etag);
}

async function removeAll(table: Table, filter: string, most: number): Promise<number> {
  let count = 0;
  while (count < most) {
    const { rows } = await table.page(filter, { size: Math.min(1000, most - count) });
    if (rows.length === 0) break;
    const waiting = [...rows];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await table.remove(next.row, next.etag);
    };
    await Promise.all(Array.from({ length: REMOVED_AT_ONCE }, worker));
    count += rows.length;
  }
  return count;
}
