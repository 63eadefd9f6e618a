import { digest } from '../../domain/digest.js';
import type { CircuitStore, Heartbeat } from '../../ports.js';
import { columnsOf, SCHEMA, timeColumn } from './columns.js';
import type { Row, Table } from './table.js';

const WRITE_TRIES = 5;

/** One row an app registration. Instances see an opened circuit within one read. */
export function createCircuitStore(table: Table): CircuitStore {
  return {
    openUntil: (registration) => readTime(table, keys('circuit', registration)),
    open: (registration, until) => writeTime(table, keys('circuit', registration), until),
    async close(registration) {
      const { partitionKey, rowKey } = keys('circuit', registration);
      const stored = await table.read(partitionKey, rowKey);
      if (stored) await table.remove(stored.row, stored.etag);
    },
  };
}

/** When each recurring job last finished: proof that the timer runs. */
export function createHeartbeat(table: Table): Heartbeat {
  return {
    beat: (name, at) => writeTime(table, keys('heartbeat', name), at),
    last: (name) => readTime(table, keys('heartbeat', name)),
  };
}

function keys(kind: string, name: string): { partitionKey: string; rowKey: string } {
  return { partitionKey: digest(kind, name), rowKey: kind };
}

async function readTime(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
): Promise<number | undefined> {
  const stored = await table.read(partitionKey, rowKey);
  return stored && columnsOf(rowKey, stored.row).time('at');
}

/** Keeps the later of the stored and the given time, whoever else is writing. */
async function writeTime(
  table: Table,
  { partitionKey, rowKey }: { partitionKey: string; rowKey: string },
  at: number,
): Promise<void> {
  const row: Row = { partitionKey, rowKey, schema: SCHEMA, at: timeColumn(at) };
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const stored = await table.read(partitionKey, rowKey);
    if (!stored) {
      if (await table.insert(row)) return;
      continue;
    }
    if (columnsOf(rowKey, stored.row).time('at') >= at) return;
    if (await table.update(row, stored.etag)) return;
  }
}
