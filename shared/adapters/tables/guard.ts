import { digest } from '../../domain/digest.js';
import type { GuardState, GuardStore, Random } from '../../ports.js';
import { columnsOf, present, SCHEMA, timeColumn } from './columns.js';
import { all, compare } from './filter.js';
import type { Row, StoredRow, Table } from './table.js';

const BUCKET_MS = 10 * 60_000;
const STATE = 'state';
const TALLY = 'tally-';
const WRITE_TRIES = 5;
/** Longer than anybody looks back, whatever their clock, ms. */
const KEPT_MS = 24 * 3_600_000;
const FORGOTTEN_AT_ONCE = 100;

/** One partition a provider: a row with its state, and one for each ten minutes and instance with what that one has counted. */
export function createGuardStore(table: Table, random: Random): GuardStore {
  const instance = random.uuid();
  return {
    async add(provider, { tried, died }, at) {
      const keys = { partitionKey: partitionOf(provider), rowKey: `${TALLY}${bucketOf(at)}-${instance}` };
      for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
        const stored = await table.read(keys.partitionKey, keys.rowKey);
        const before = stored ? readTally(stored) : { tried: 0, died: 0 };
        const row = { ...keys, schema: SCHEMA, tried: before.tried + tried, died: before.died + died };
        if (stored && (await table.update(row, stored.etag))) return;
        if (!stored && (await table.insert(row))) return forget(table, provider, at - KEPT_MS);
      }
    },
    async sum(provider, from) {
      const tallies = (await tallyRows(table, provider, bucketOf(from))).map(readTally);
      return tallies.reduce((a, b) => ({ tried: a.tried + b.tried, died: a.died + b.died }), {
        tried: 0,
        died: 0,
      });
    },
    async reset(provider) {
      for (const { row, etag } of await tallyRows(table, provider, '')) await table.remove(row, etag);
    },
    async state(provider) {
      const stored = await table.read(partitionOf(provider), STATE);
      return stored && readState(stored.row);
    },
    async hold(provider, since) {
      const stored = await table.read(partitionOf(provider), STATE);
      if (stored && readState(stored.row).holdingSince !== undefined) return false;
      const row = stateRow(provider, { holdingSince: since });
      return stored ? table.update(row, stored.etag) : table.insert(row);
    },
    async setState(provider, state) {
      const stored = await table.read(partitionOf(provider), STATE);
      if (!state) return stored !== undefined && table.remove(stored.row, stored.etag);
      const row = stateRow(provider, state);
      return stored ? table.update(row, stored.etag) : table.insert(row);
    },
  };
}

function partitionOf(provider: string): string {
  return digest('guard', provider);
}

function bucketOf(time: number): string {
  return String(Math.floor(time / BUCKET_MS)).padStart(10, '0');
}

function tallyRows(table: Table, provider: string, from: string): Promise<readonly StoredRow[]> {
  return table.all(
    all(
      compare('PartitionKey', 'eq', partitionOf(provider)),
      compare('RowKey', 'ge', `${TALLY}${from}`),
      compare('RowKey', 'lt', `${TALLY}~`),
    ),
  );
}

/** With each new row old ones go, so that they do not pile up. Never rejects: what stays goes with the next. */
async function forget(table: Table, provider: string, before: number): Promise<void> {
  const old = all(
    compare('PartitionKey', 'eq', partitionOf(provider)),
    compare('RowKey', 'ge', TALLY),
    compare('RowKey', 'lt', `${TALLY}${bucketOf(before)}`),
  );
  try {
    const { rows } = await table.page(old, { size: FORGOTTEN_AT_ONCE });
    await Promise.all(rows.map(({ row, etag }) => table.remove(row, etag)));
  } catch {}
}

function readTally({ row }: StoredRow): { tried: number; died: number } {
  const read = columnsOf('guard', row);
  return { tried: read.int('tried'), died: read.int('died') };
}

function stateRow(provider: string, { holdingSince, confirmedUntil }: GuardState): Row {
  const time = (value: number | undefined) => (value === undefined ? undefined : timeColumn(value));
  return {
    partitionKey: partitionOf(provider),
    rowKey: STATE,
    schema: SCHEMA,
    ...present({ holdingSince: time(holdingSince), confirmedUntil: time(confirmedUntil) }),
  };
}

function readState(row: Row): GuardState {
  const read = columnsOf('guard', row);
  const holdingSince = read.optionalTime('holdingSince');
  const confirmedUntil = read.optionalTime('confirmedUntil');
  return {
    ...(holdingSince === undefined ? {} : { holdingSince }),
    ...(confirmedUntil === undefined ? {} : { confirmedUntil }),
  };
}
