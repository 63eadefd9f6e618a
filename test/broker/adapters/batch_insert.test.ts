import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../../shared/adapters/http_client.js';
import { createBatchInsert, isPlain } from '../../../shared/adapters/tables/batch_insert.js';
import type { Row } from '../../../shared/adapters/tables/table.js';
import { showIdentity, signWithAccountKey } from '../../../shared/adapters/tables/table_access.js';
import { hostileText } from '../support/arbitraries.js';
import { type ScriptedServer, startScripted } from '../support/scripted_server.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const http = createHttpClient();
const row = (rowKey: string, more: Partial<Row> = {}): Row => ({ partitionKey: 'p', rowKey, n: 1, ...more });

/** Inserts into a fresh table of the real service, and a way to read what came of it. */
async function opened() {
  const name = tables.name();
  const table = tables.table(name);
  await table.insert({ partitionKey: 'other', rowKey: 'r' });
  const authorize = signWithAccountKey(tables.server.connectionString);
  if (!authorize) throw new Error('the connection string has no key');
  const insert = createBatchInsert({ endpoint: tables.server.endpoint, authorize, http });
  return { table, insert: (rows: readonly Row[]) => insert(name, rows) };
}

describe('rows inserted together', () => {
  it('are there with every column as it was, whatever texts they hold', async () => {
    const { table, insert } = await opened();
    let count = 0;
    const texts = fc.array(fc.tuple(hostileText, hostileText), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(texts, async (pairs) => {
        const rows = pairs.map(([a, b]) => row(String(++count), { a, b, yes: true, n: -5 }));
        expect(await insert(rows)).toBe(true);
        const stored = await Promise.all(rows.map((one) => table.read('p', one.rowKey)));
        expect(stored.map((one) => one?.row)).toEqual(rows);
      }),
      { numRuns: 15 },
    );
  });

  it('are all there or none: a key that is taken takes the others down', async () => {
    const { table, insert } = await opened();
    expect(await insert([row('1'), row('2')])).toBe(true);
    expect(await insert([row('3'), row('2', { n: 9 }), row('4')])).toBe(false);
    expect((await table.all("PartitionKey eq 'p'")).map((stored) => stored.row.rowKey)).toEqual(['1', '2']);
    expect((await table.read('p', '2'))?.row.n).toBe(1);
  });

  it('into a table that has gone are a fault, not a conflict', async () => {
    const authorize = signWithAccountKey(tables.server.connectionString);
    if (!authorize) throw new Error('the connection string has no key');
    const insert = createBatchInsert({ endpoint: tables.server.endpoint, authorize, http });
    await expect(insert('neverMade', [row('1'), row('2')])).rejects.toThrow('answered with');
  });

  it('signed with another key are refused', async () => {
    const { insert } = await opened();
    expect(await insert([row('1')])).toBe(true);
    const forged = tables.server.connectionString.replace(/AccountKey=./, 'AccountKey=A');
    const authorize = signWithAccountKey(forged);
    if (!authorize) throw new Error('the connection string has no key');
    const bad = createBatchInsert({ endpoint: tables.server.endpoint, authorize, http });
    await expect(bad('any', [row('2')])).rejects.toThrow('answered with 403');
  });

  it.each([2 ** 31, 0.5, Number.NaN])(
    'a number that JSON alone does not carry (%d) is left to the SDK',
    async (n) => {
      expect(isPlain([row('1'), row('2', { n })])).toBe(false);
      const { table } = await opened();
      if (Number.isNaN(n)) return;
      const rows = [row('1', { n }), row('2', { n: 3 })];
      expect(await table.commit(rows.map((one) => ({ kind: 'insert', row: one })))).toBe(true);
      expect((await table.read('p', '1'))?.row.n).toBe(n);
    },
  );
});

const accepted = (count: number) =>
  Array.from({ length: count }, () => '--c\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n').join('');

describe('a table service that answers badly', () => {
  let server: ScriptedServer;
  beforeEach(async () => {
    server = await startScripted();
  });
  afterEach(() => server.close());
  const insertThere = () =>
    createBatchInsert({ endpoint: `${server.origin}/account`, authorize: async () => ({}), http });

  it.each([503, 500, 429])('%d is tried again: of two tries one is enough', async (status) => {
    server.answer((_, response) => {
      if (server.paths.length < 2) response.writeHead(status).end();
      else response.writeHead(202).end(accepted(2));
    });
    expect(await insertThere()('audit', [row('1'), row('2')])).toBe(true);
    expect(server.paths).toHaveLength(2);
  });

  it('a connection cut in the middle is tried again, three times at most', async () => {
    server.answer((request) => void request.socket.destroy());
    await expect(insertThere()('audit', [row('1')])).rejects.toThrow();
    expect(server.paths).toHaveLength(3);
  });

  it('fewer answers than rows never count as stored', async () => {
    server.answer((_, response) => response.writeHead(202).end(accepted(1)));
    await expect(insertThere()('audit', [row('1'), row('2')])).rejects.toThrow();
  });

  it('a conflict that is not about the key never counts as stored', async () => {
    server.answer((_, response) =>
      response
        .writeHead(202)
        .end('--c\r\n\r\nHTTP/1.1 409 Conflict\r\n\r\n{"odata.error":{"code":"TableBeingDeleted"}}'),
    );
    await expect(insertThere()('audit', [row('1')])).rejects.toThrow();
  });
});

describe('who calls the table service', () => {
  it('an identity shows its token, had once for many calls', async () => {
    const asked: string[] = [];
    const authorize = showIdentity({
      getToken: async (scope) => {
        asked.push(String(scope));
        return { token: `t${asked.length}`, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    });
    const shown = async () => (await authorize('/$batch')).authorization;
    expect([await shown(), await shown()]).toEqual(['Bearer t1', 'Bearer t1']);
    expect(asked).toEqual(['https://storage.azure.com/.default']);
  });

  it('a token near its end is had anew', async () => {
    let count = 0;
    const authorize = showIdentity({
      getToken: async () => ({ token: `t${++count}`, expiresOnTimestamp: Date.now() + 60_000 }),
    });
    await authorize('/$batch');
    expect((await authorize('/$batch')).authorization).toBe('Bearer t2');
  });

  it('a connection string without a key is left to the SDK', () => {
    expect(signWithAccountKey('TableEndpoint=https://x.test;SharedAccessSignature=sv=1')).toBeUndefined();
    expect(signWithAccountKey('UseDevelopmentStorage=true')).toBeUndefined();
  });
});
