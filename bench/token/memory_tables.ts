import type { Change, Row, StoredRow, Table } from '../../shared/adapters/tables/table.js';

/** So many partitions are kept of a table that only grows: a run must not be about the size of its heap. */
const MOST_PARTITIONS = 60_000;
const MOST_EVENT_PARTITIONS = 2;

interface Stored {
  row: Row;
  version: number;
}

/** Tables in the memory of this process, with the conditions of the real ones: what remains is our own code's cost. */
export function createMemoryTables(): (name: string) => Table {
  const tables = new Map<string, Table>();
  return (name) => {
    const known = tables.get(name);
    if (known) return known;
    const made = createMemoryTable(name === 'audit' ? MOST_EVENT_PARTITIONS : MOST_PARTITIONS);
    tables.set(name, made);
    return made;
  };
}

function createMemoryTable(most: number): Table {
  const partitions = new Map<string, Map<string, Stored>>();
  let version = 0;
  const partitionOf = (key: string): Map<string, Stored> => {
    const known = partitions.get(key);
    if (known) return known;
    const made = new Map<string, Stored>();
    partitions.set(key, made);
    for (const oldest of partitions.keys()) {
      if (partitions.size <= most) break;
      partitions.delete(oldest);
    }
    return made;
  };
  const find = (row: Row) => partitions.get(row.partitionKey)?.get(row.rowKey);
  const isMet = (change: Change): boolean => {
    if (change.kind === 'insert') return find(change.row) === undefined;
    if (change.kind === 'update') return String(find(change.row)?.version) === change.etag;
    return true;
  };
  const write = (row: Row) => partitionOf(row.partitionKey).set(row.rowKey, { row, version: ++version });
  const apply = (change: Change): void => {
    if (change.kind === 'drop') partitions.get(change.row.partitionKey)?.delete(change.row.rowKey);
    else write(change.row);
  };
  const commit = async (changes: readonly Change[]): Promise<boolean> => {
    if (!changes.every(isMet)) return false;
    for (const change of changes) apply(change);
    return true;
  };
  const all = async (filter: string): Promise<readonly StoredRow[]> => {
    const matches = conditionOf(filter);
    const rows = [...partitions.values()].flatMap((rowsOf) => [...rowsOf.values()]);
    return rows
      .filter(({ row }) => matches(row))
      .map(toStored)
      .sort((a, b) => (keyOf(a.row) < keyOf(b.row) ? -1 : 1));
  };
  return {
    all,
    commit,
    async read(partitionKey, rowKey) {
      const found = find({ partitionKey, rowKey });
      return found && toStored(found);
    },
    insert: (row) => commit([{ kind: 'insert', row }]),
    update: (row, etag) => commit([{ kind: 'update', row, etag }]),
    async remove(row, etag) {
      if (String(find(row)?.version) !== etag) return false;
      apply({ kind: 'drop', row });
      return true;
    },
    page: async (filter, { size }) => ({ rows: (await all(filter)).slice(0, size) }),
  };
}

function toStored({ row, version }: Stored): StoredRow {
  return { row, etag: String(version) };
}

function keyOf({ partitionKey, rowKey }: Row): string {
  return `${partitionKey}\n${rowKey}`;
}

const COMPARISONS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  eq: (a, b) => a === b,
  ge: (a, b) => a >= b,
  gt: (a, b) => a > b,
  le: (a, b) => a <= b,
  lt: (a, b) => a < b,
};
const NAMES: Readonly<Record<string, string>> = { PartitionKey: 'partitionKey', RowKey: 'rowKey' };

/** The comparisons that `filter.ts` writes, joined by `and`. */
function conditionOf(filter: string): (row: Row) => boolean {
  const parts = [...filter.matchAll(/(\w+) (eq|ge|gt|le|lt) '((?:[^']|'')*)'/g)];
  return (row) =>
    parts.every(([, name = '', comparison = '', value = '']) => {
      const column = row[NAMES[name] ?? name];
      return (
        typeof column === 'string' && COMPARISONS[comparison]?.(column, value.replaceAll("''", "'")) === true
      );
    });
}
