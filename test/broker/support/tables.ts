import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll } from 'vitest';
import { createTables } from '../../../shared/adapters/tables/service.js';
import type { Row, Table } from '../../../shared/adapters/tables/table.js';
import { startTables, type TableServer } from '../../support/azurite.js';

export interface TestTables {
  readonly server: TableServer;
  /** A table nobody else in this file uses, unless named. */
  table(name?: string): Table;
  /** The SDK's own client of a table made above: for rows our code would never write. */
  raw(name: string): TableClient;
  /** A fresh name that a table may have. */
  name(): string;
}

/** The real table service for one test file. */
export function withTables(): TestTables {
  let server: TableServer | undefined;
  let count = 0;
  beforeAll(async () => {
    server = await startTables();
  });
  afterAll(() => server?.close());
  const running = (): TableServer => {
    if (!server) throw new Error('the tables are not started');
    return server;
  };
  const name = () => `test${++count}`;
  return {
    get server() {
      return running();
    },
    name,
    table: (given) => createTables({ connectionString: running().connectionString })(given ?? name()),
    raw: (given) =>
      TableClient.fromConnectionString(running().connectionString, given, { allowInsecureConnection: true }),
  };
}

/** Writes what is in a row as it is, with no condition. */
export async function overwrite(client: TableClient, row: Row): Promise<void> {
  await client.upsertEntity({ ...row }, 'Replace');
}

/** Writes many rows of one partition in as few calls as there can be. */
export async function fill(table: Table, rows: readonly Row[]): Promise<void> {
  for (let start = 0; start < rows.length; start += 100) {
    await table.commit(rows.slice(start, start + 100).map((row) => ({ kind: 'insert', row })));
  }
}
