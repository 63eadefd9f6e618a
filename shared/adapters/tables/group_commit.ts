import type { Row, Table } from './table.js';

/** Entity-group transactions take a hundred rows of one partition. */
const MOST_ROWS = 100;
/** Transactions under way at once: enough to keep the store busy, few enough that rows gather while they run. */
const MOST_IN_FLIGHT = 2;

interface Waiting {
  readonly row: Row;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** One key that is taken undoes the whole transaction: then each row is written by itself, so that none is believed stored that is not. */
async function writeTogether(table: Table, group: readonly Waiting[]): Promise<void> {
  if (await table.commit(group.map(({ row }) => ({ kind: 'insert', row })))) return;
  for (const { row } of group) await table.insert(row);
}

/**
 * Inserts rows so that each call resolves once its row is durable, while rows of calls in flight at the same time share one write. A lone
 * row is written at once: nobody waits for company. The rows' keys must be unique, since a taken key is read as our own write that was
 * applied and retried.
 */
export function createGroupCommit(table: Table): (row: Row) => Promise<void> {
  let waiting: Waiting[] = [];
  let inFlight = 0;

  const takeGroup = (): Waiting[] => {
    const partition = waiting[0]?.row.partitionKey;
    const group: Waiting[] = [];
    const left: Waiting[] = [];
    for (const next of waiting) {
      const fits = next.row.partitionKey === partition && group.length < MOST_ROWS;
      (fits ? group : left).push(next);
    }
    waiting = left;
    return group;
  };
  const write = async (group: readonly Waiting[]): Promise<void> => {
    const [first] = group;
    try {
      if (first && group.length === 1) await table.insert(first.row);
      else await writeTogether(table, group);
      for (const { done } of group) done();
    } catch (error) {
      for (const { failed } of group) failed(error);
    }
  };
  const pump = (): void => {
    while (inFlight < MOST_IN_FLIGHT && waiting.length > 0) {
      inFlight += 1;
      void write(takeGroup()).finally(() => {
        inFlight -= 1;
        pump();
      });
    }
  };
  return (row) =>
    new Promise<void>((done, failed) => {
      waiting.push({ row, done, failed });
      pump();
    });
}
