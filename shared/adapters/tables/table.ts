import type { TableClient, TransactionAction } from '@azure/data-tables';
import { type BatchInsert, isPlain } from './batch_insert.js';
import { isExpected, storeFault } from './faults.js';

/** A table row: two keys and flat columns. Absent columns are absent, never null. */
export interface Row {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly [column: string]: string | number | boolean | undefined;
}

export interface StoredRow {
  readonly row: Row;
  readonly etag: string;
  /** How long ago it was written, by the service's own clock at both ends, ms; where the read says so. */
  readonly ageMs?: number;
}

/** One step of a transaction. `put` and `drop` carry no condition of their own: an `update` beside them fences them. */
export type Change =
  | { readonly kind: 'insert'; readonly row: Row }
  | { readonly kind: 'update'; readonly row: Row; readonly etag: string }
  | { readonly kind: 'put'; readonly row: Row }
  | { readonly kind: 'drop'; readonly row: Row };

/**
 * A table as the stores see it. The SDK updates and deletes unconditionally unless an etag is in the options;
 * here there is no way to do so.
 */
export interface Table {
  read(partitionKey: string, rowKey: string): Promise<StoredRow | undefined>;
  /** False when the key is taken. */
  insert(row: Row): Promise<boolean>;
  /** False when the etag has moved or the row is gone. */
  update(row: Row, etag: string): Promise<boolean>;
  /** False when the etag has moved or the row is gone. */
  remove(row: Row, etag: string): Promise<boolean>;
  /** All changes or none, within one partition; false on a conflict. */
  commit(changes: readonly Change[]): Promise<boolean>;
  page(filter: string, options: { size: number; continuation?: string }): Promise<TablePage>;
  /** Every row the filter names, however many pages they come in. */
  all(filter: string): Promise<readonly StoredRow[]>;
}

export interface TablePage {
  readonly rows: readonly StoredRow[];
  readonly continuation?: string;
}

const CONFLICTS: ReadonlySet<number> = new Set([404, 409, 412]);
const NOT_FOUND: ReadonlySet<number> = new Set([404]);
const EXISTS: ReadonlySet<number> = new Set([409]);
const PAGE_SIZE = 1000;

export interface TableParts {
  /** Gives the client, opened at most once. */
  readonly open: () => Promise<TableClient>;
  /** The cheap way to insert many rows, where the account's key or an identity is at hand. */
  readonly insert: () => Promise<BatchInsert | undefined>;
  /** Resolves once the table exists; every call waits for it. */
  readonly ready: () => Promise<void>;
}

export function createTable({ open, insert, ready }: TableParts): Table {
  const run = async <T>(
    work: (client: TableClient) => Promise<T>,
    unless?: ReadonlySet<number>,
  ): Promise<T | undefined> => {
    try {
      await ready();
      return await work(await open());
    } catch (error) {
      if (unless && isExpected(error, unless)) return undefined;
      throw storeFault(error);
    }
  };
  const applied = async (
    work: (client: TableClient) => Promise<unknown>,
    conflicts: ReadonlySet<number>,
  ): Promise<boolean> => {
    const done = await run(async (client) => {
      await work(client);
      return true;
    }, conflicts);
    return done ?? false;
  };

  const update = (row: Row, etag: string): Promise<boolean> =>
    applied((client) => client.updateEntity({ ...row }, 'Replace', { etag }), CONFLICTS);
  const inserted = async (changes: readonly Change[]): Promise<boolean | undefined> => {
    const rows = changes.flatMap((change) => (change.kind === 'insert' ? [change.row] : []));
    if (rows.length < changes.length || !isPlain(rows)) return undefined;
    return run(async (client) => (await insert())?.(client.tableName, rows));
  };
  const commit = async (changes: readonly Change[]): Promise<boolean> => {
    const [only, ...others] = changes;
    // Alone it needs no transaction, which costs both sides twice as much.
    if (only?.kind === 'update' && others.length === 0) return update(only.row, only.etag);
    const done = await inserted(changes);
    return done ?? applied((client) => client.submitTransaction(changes.map(toAction)), CONFLICTS);
  };
  const page = async (filter: string, { size, continuation }: { size: number; continuation?: string }) => {
    const read = (client: TableClient) =>
      firstPage(client, filter, { size, ...(continuation ? { continuation } : {}) });
    return (await run(read)) ?? { rows: [] };
  };

  return {
    page,
    all: (filter) => readAll((options) => page(filter, options)),
    async read(partitionKey, rowKey) {
      let servedAt: string | undefined;
      const onResponse = (raw: { headers: { get(name: string): string | undefined } }) => {
        servedAt = raw.headers.get('date');
      };
      const read = (client: TableClient) => client.getEntity(partitionKey, rowKey, { onResponse });
      const found = await run(read, NOT_FOUND);
      return found && { ...toStored(found), ...ageOf(found, servedAt) };
    },
    insert: (row) => applied((client) => client.createEntity({ ...row }), EXISTS),
    update,
    remove: (row, etag) =>
      applied((client) => client.deleteEntity(row.partitionKey, row.rowKey, { etag }), CONFLICTS),
    commit(changes) {
      assertFenced(changes);
      return commit(changes);
    },
  };
}

async function readAll(
  page: (options: { size: number; continuation?: string }) => Promise<TablePage>,
): Promise<readonly StoredRow[]> {
  const rows: StoredRow[] = [];
  let continuation: string | undefined;
  do {
    const next = await page({ size: PAGE_SIZE, ...(continuation ? { continuation } : {}) });
    rows.push(...next.rows);
    continuation = next.continuation;
  } while (continuation !== undefined);
  return rows;
}

function assertFenced(changes: readonly Change[]): void {
  const fenced = changes.some((change) => change.kind === 'update' || change.kind === 'insert');
  if (!fenced) throw new TypeError('a transaction needs a conditional change to fence the others');
}

async function firstPage(
  client: TableClient,
  filter: string,
  options: { size: number; continuation?: string },
): Promise<TablePage> {
  const pages = client.listEntities({ queryOptions: { filter } }).byPage({
    maxPageSize: options.size,
    ...(options.continuation ? { continuationToken: options.continuation } : {}),
  });
  for await (const page of pages) {
    const token: unknown = Reflect.get(page, 'continuationToken');
    return {
      rows: page.map(toStored),
      ...(typeof token === 'string' && token !== '' ? { continuation: token } : {}),
    };
  }
  return { rows: [] };
}

function toAction(change: Change): TransactionAction {
  const entity = { ...change.row };
  switch (change.kind) {
    case 'insert':
      return ['create', entity];
    case 'update':
      return ['update', entity, 'Replace', { etag: change.etag }];
    case 'put':
      return ['upsert', entity, 'Replace'];
    case 'drop':
      return ['delete', entity];
  }
}

/** `Timestamp` and `Date` are both the service's: no clock of ours, right or wrong, has a part in the difference. */
function ageOf(entity: object, servedAt: string | undefined): { ageMs?: number } {
  const writtenAt: unknown = Reflect.get(entity, 'timestamp');
  const ageMs = Date.parse(servedAt ?? '') - Date.parse(typeof writtenAt === 'string' ? writtenAt : '');
  return Number.isNaN(ageMs) ? {} : { ageMs: Math.max(0, ageMs) };
}

/** Stands for a value of a type no row of ours has: present, so that it is never taken for absent, and refused by every reader. */
const UNREADABLE = Number.NaN;

function isColumn(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function toStored(entity: object): StoredRow {
  const columns: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(entity)) {
    if (name === 'etag' || name === 'timestamp' || name.startsWith('odata.')) continue;
    columns[name] = isColumn(value) ? value : UNREADABLE;
  }
  const { partitionKey, rowKey } = columns;
  const etag: unknown = Reflect.get(entity, 'etag');
  if (typeof partitionKey !== 'string' || typeof rowKey !== 'string' || typeof etag !== 'string') {
    throw new TypeError('a table row came back without its keys');
  }
  return { row: { ...columns, partitionKey, rowKey }, etag };
}
