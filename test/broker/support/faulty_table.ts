import type { Row, Table } from '../../../shared/adapters/tables/table.js';
import { unavailable } from '../../../shared/domain/errors.js';

/**
 * What may happen to a write: refused before it is applied, applied and then reported as a conflict (the SDK's own retry of a write whose
 * answer was lost), applied and then without an answer.
 */
export type Fault = 'down' | 'applied_but_conflict' | 'applied_but_down';

type Write = 'insert' | 'update' | 'remove' | 'commit';

export interface FaultyTable extends Table {
  /** The next writes of this kind go wrong like this, one fault each, after `skip` that go right. */
  fail(write: Write, faults: readonly Fault[], skip?: number): void;
  /** The next read of a row of this key waits for this first. */
  holdRead(rowKey: string, until: Promise<void>): void;
  /** Every call fails until mended. */
  cut(): void;
  mend(): void;
}

/** @param clock the service's own, which the test steps: rows age by it; as the table says unless given */
export function withFaults(table: Table, clock?: () => number): FaultyTable {
  const writtenAt = new Map<string, number>();
  const wrote = (rows: readonly Row[]) => {
    if (clock) for (const row of rows) writtenAt.set(keyOf(row), clock());
  };
  const held = new Map<string, Promise<void>>();
  const planned = new Map<Write, (Fault | 'none')[]>();
  let isCut = false;
  const down = () => unavailable('storage is not available', 5);
  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isCut) throw down();
    return work();
  };
  const written = (kind: Write, rows: readonly Row[], work: () => Promise<boolean>) =>
    reached(async () => {
      const fault = planned.get(kind)?.shift() ?? 'none';
      if (fault === 'down') throw down();
      const applied = await work();
      if (applied) wrote(rows);
      if (fault === 'applied_but_down') throw down();
      return fault === 'none' && applied;
    });
  return {
    read: (partitionKey, rowKey) =>
      reached(async () => {
        const until = held.get(rowKey);
        held.delete(rowKey);
        await until;
        const stored = await table.read(partitionKey, rowKey);
        const since = stored && writtenAt.get(keyOf(stored.row));
        return stored && clock && since !== undefined ? { ...stored, ageMs: clock() - since } : stored;
      }),
    holdRead: (rowKey, until) => held.set(rowKey, until),
    page: (filter, options) => reached(() => table.page(filter, options)),
    all: (filter) => reached(() => table.all(filter)),
    insert: (row) => written('insert', [row], () => table.insert(row)),
    update: (row, etag) => written('update', [row], () => table.update(row, etag)),
    remove: (row, etag) => written('remove', [], () => table.remove(row, etag)),
    commit: (changes) =>
      written(
        'commit',
        changes.map(({ row }) => row),
        () => table.commit(changes),
      ),
    fail: (write, faults, skip = 0) => planned.set(write, [...Array<'none'>(skip).fill('none'), ...faults]),
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
    },
  };
}

function keyOf({ partitionKey, rowKey }: Row): string {
  return JSON.stringify([partitionKey, rowKey]);
}
