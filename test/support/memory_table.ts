import type { Change, Row, StoredRow, Table, TablePage } from '../../shared/adapters/tables/table.js';

/** A table in this process with the manners of the real one: etags, order, pages, transactions of one partition. */
export interface MemoryTable extends Table {
  /** Every row, in key order. */
  rows(): readonly Row[];
  /** Writes a row as it is, with no condition. */
  overwrite(row: Row): void;
}

interface Stored extends StoredRow {
  readonly writtenAt: number;
}

const TRANSACTION_LIMIT = 100;

/** @param clock the service's own: what rows' ages are counted by */
export function createMemoryTable(clock: () => number): MemoryTable {
  const partitions = new Map<string, Map<string, Stored>>();
  let version = 0;
  const find = ({ partitionKey, rowKey }: Row) => partitions.get(partitionKey)?.get(rowKey);
  const put = (row: Row): void => {
    const partition = partitions.get(row.partitionKey) ?? new Map<string, Stored>();
    partitions.set(row.partitionKey, partition);
    partition.set(row.rowKey, { row: { ...row }, etag: `W/"${++version}"`, writtenAt: clock() });
  };
  const drop = ({ partitionKey, rowKey }: Row): void => {
    const partition = partitions.get(partitionKey);
    partition?.delete(rowKey);
    if (partition?.size === 0) partitions.delete(partitionKey);
  };
  const mayApply = (change: Change): boolean => {
    const stored = find(change.row);
    if (change.kind === 'insert') return stored === undefined;
    if (change.kind === 'update') return stored?.etag === change.etag;
    return change.kind === 'put' || stored !== undefined;
  };
  const apply = (change: Change): void => {
    if (change.kind === 'drop') drop(change.row);
    else put(change.row);
  };
  const commit = (changes: readonly Change[]): boolean => {
    assertTransaction(changes);
    if (!changes.every(mayApply)) return false;
    changes.forEach(apply);
    return true;
  };
  const listed = (filter: string): readonly StoredRow[] => {
    const conditions = readFilter(filter);
    const only = conditions.find(({ name, comparison }) => name === 'PartitionKey' && comparison === 'eq');
    const keys = only ? [only.value] : [...partitions.keys()].sort(byText);
    const wanted = keys.filter((key) => only || conditions.every((condition) => holdsForKey(condition, key)));
    return wanted
      .flatMap((key) => [...(partitions.get(key)?.values() ?? [])].sort(byRowKey))
      .filter(({ row }) => conditions.every((condition) => holds(condition, row)));
  };
  const page = async (filter: string, { size, continuation }: { size: number; continuation?: string }) =>
    pageOf(listed(filter), size, continuation);
  return {
    rows: () => [...listed('')].map(({ row }) => row),
    overwrite: put,
    async read(partitionKey, rowKey) {
      const stored = find({ partitionKey, rowKey });
      return stored && { ...stored, row: { ...stored.row }, ageMs: clock() - stored.writtenAt };
    },
    insert: async (row) => commit([{ kind: 'insert', row }]),
    update: async (row, etag) => commit([{ kind: 'update', row, etag }]),
    async remove(row, etag) {
      if (find(row)?.etag !== etag) return false;
      drop(row);
      return true;
    },
    commit: async (changes) => commit(changes),
    page,
    all: async (filter) => listed(filter),
  };
}

/** What the service refuses whole. */
function assertTransaction(changes: readonly Change[]): void {
  const keys = new Set(changes.map(({ row }) => JSON.stringify([row.partitionKey, row.rowKey])));
  const partitions = new Set(changes.map(({ row }) => row.partitionKey));
  if (changes.length > TRANSACTION_LIMIT || partitions.size !== 1 || keys.size !== changes.length) {
    throw new Error('the service takes no such transaction');
  }
}

function pageOf(rows: readonly StoredRow[], size: number, continuation: string | undefined): TablePage {
  const start = continuation === undefined ? 0 : rows.findIndex(({ row }) => keyOf(row) > continuation);
  const found = start < 0 ? [] : rows.slice(start, start + size);
  const last = found.at(-1);
  const more = start >= 0 && last !== undefined && start + size < rows.length;
  return { rows: found, ...(more ? { continuation: keyOf(last.row) } : {}) };
}

function keyOf({ partitionKey, rowKey }: Row): string {
  return `${partitionKey}\u0000${rowKey}`;
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function byRowKey(a: StoredRow, b: StoredRow): number {
  return byText(a.row.rowKey, b.row.rowKey);
}

interface Condition {
  readonly name: string;
  readonly comparison: string;
  readonly value: string;
}

/** Filters as shared/adapters/tables/filter.ts writes them. */
function readFilter(filter: string): readonly Condition[] {
  const conditions: Condition[] = [];
  const one = /([A-Za-z_]\w*) (eq|ge|gt|le|lt) '((?:[^']|'')*)'(?: and |$)/y;
  while (one.lastIndex < filter.length) {
    const [, name, comparison, value] = one.exec(filter) ?? [];
    if (name === undefined || comparison === undefined || value === undefined) {
      throw new Error(`this table cannot read the filter ${filter}`);
    }
    conditions.push({ name, comparison, value: value.replaceAll("''", "'") });
  }
  return conditions;
}

function holdsForKey(condition: Condition, key: string): boolean {
  return condition.name !== 'PartitionKey' || compared(key, condition);
}

function holds(condition: Condition, row: Row): boolean {
  const { name } = condition;
  const column = { PartitionKey: row.partitionKey, RowKey: row.rowKey }[name] ?? row[name];
  return typeof column === 'string' && compared(column, condition);
}

function compared(column: string, { comparison, value }: Condition): boolean {
  switch (comparison) {
    case 'eq':
      return column === value;
    case 'ge':
      return column >= value;
    case 'gt':
      return column > value;
    case 'le':
      return column <= value;
    default:
      return column < value;
  }
}
