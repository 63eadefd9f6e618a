import { describe, expect, it } from 'vitest';
import { createTables } from '../../../shared/adapters/tables/service.js';
import type { Row } from '../../../shared/adapters/tables/table.js';
import { openLink } from '../support/link.js';
import { refusalOf } from '../support/refusals.js';
import { fill, withTables } from '../support/tables.js';

const tables = withTables();
const row = (more: Partial<Row> = {}): Row => ({ partitionKey: 'p', rowKey: 'r', n: 1, ...more });
const SOME_ETAG = `W/"datetime'2020-01-01T00%3A00%3A00.0000000Z'"`;

describe('a table', () => {
  it('gives back what was put in: texts, integers, fractions, booleans', async () => {
    const table = tables.table();
    const columns = {
      text: 'it\'s \u00e4 \u{1f600} "quoted" \\ / # ? % +',
      long: 'x'.repeat(30_000),
      empty: '',
      zero: 0,
      negative: -5,
      large: 2 ** 31 + 1,
      larger: 2 ** 40,
      safe: Number.MAX_SAFE_INTEGER,
      half: 0.5,
      yes: true,
      no: false,
    };
    expect(await table.insert(row(columns))).toBe(true);
    expect((await table.read('p', 'r'))?.row).toEqual(row(columns));
  });

  it('says how old a row is by the clock of the service, whatever the clock here says', async () => {
    const table = tables.table();
    await table.insert(row());
    const now = Date.now;
    Date.now = () => now() + 600_000;
    try {
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const found = await table.read('p', 'r');
      expect(found?.ageMs).toBeGreaterThanOrEqual(0);
      expect(found?.ageMs).toBeLessThan(300_000);
      await table.update(row({ n: 2 }), found?.etag ?? '');
      expect((await table.read('p', 'r'))?.ageMs).toBeLessThanOrEqual(found?.ageMs ?? 0);
    } finally {
      Date.now = now;
    }
  });

  it('an absent row is undefined', async () => {
    expect(await tables.table().read('p', 'r')).toBeUndefined();
  });

  it('a table that has gone is a fault and not an absent row', async () => {
    const name = tables.name();
    const table = tables.table(name);
    await table.insert(row());
    await tables.raw(name).deleteTable();
    expect((await refusalOf(() => table.read('p', 'r'))).code).toBe('temporarily_unavailable');
    expect((await refusalOf(() => table.update(row(), SOME_ETAG))).code).toBe('temporarily_unavailable');
    const commit = () => table.commit([{ kind: 'update', row: row(), etag: SOME_ETAG }]);
    expect((await refusalOf(commit)).code).toBe('temporarily_unavailable');
  });

  it('a second insert of a key is refused and changes nothing', async () => {
    const table = tables.table();
    expect(await table.insert(row())).toBe(true);
    expect(await table.insert(row({ n: 2 }))).toBe(false);
    expect((await table.read('p', 'r'))?.row.n).toBe(1);
  });

  it('of many concurrent inserts of a key exactly one wins', async () => {
    const table = tables.table();
    const wins = await Promise.all(Array.from({ length: 20 }, (_, n) => table.insert(row({ n }))));
    expect(wins.filter(Boolean)).toHaveLength(1);
  });

  it('of many concurrent updates under one etag exactly one wins', async () => {
    const table = tables.table();
    await table.insert(row());
    const etag = (await table.read('p', 'r'))?.etag ?? '';
    const wins = await Promise.all(Array.from({ length: 20 }, (_, n) => table.update(row({ n }), etag)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect((await table.read('p', 'r'))?.row.n).toBe(wins.indexOf(true));
  });

  it('an update replaces: a column that is not written is gone', async () => {
    const table = tables.table();
    await table.insert(row({ secret: 's' }));
    const etag = (await table.read('p', 'r'))?.etag ?? '';
    await table.update(row({ n: 2 }), etag);
    expect((await table.read('p', 'r'))?.row).toEqual(row({ n: 2 }));
  });

  it('an update or delete under a stale etag, or of a row that has gone, is refused', async () => {
    const table = tables.table();
    await table.insert(row());
    const stale = (await table.read('p', 'r'))?.etag ?? '';
    await table.update(row({ n: 2 }), stale);
    expect(await table.update(row({ n: 3 }), stale)).toBe(false);
    expect(await table.remove(row(), stale)).toBe(false);
    expect((await table.read('p', 'r'))?.row.n).toBe(2);
    const etag = (await table.read('p', 'r'))?.etag ?? '';
    expect(await table.remove(row(), etag)).toBe(true);
    expect(await table.remove(row(), etag)).toBe(false);
    expect(await table.update(row(), etag)).toBe(false);
  });

  it('a value of a type no row of ours has is there, and not taken for absent', async () => {
    const name = tables.name();
    const table = tables.table(name);
    await table.insert(row());
    await tables
      .raw(name)
      .upsertEntity({ partitionKey: 'p', rowKey: 'r', at: new Date(0), big: 5n }, 'Replace');
    const read = await table.read('p', 'r');
    expect(Object.keys(read?.row ?? {}).sort()).toEqual(['at', 'big', 'partitionKey', 'rowKey']);
    expect(read?.row.at).toBeNaN();
  });
});

describe('a transaction', () => {
  it('is all or nothing: a stale update takes everything beside it down', async () => {
    const table = tables.table();
    await table.insert(row());
    const stale = (await table.read('p', 'r'))?.etag ?? '';
    await table.update(row({ n: 2 }), stale);
    const done = await table.commit([
      { kind: 'update', row: row({ n: 3 }), etag: stale },
      { kind: 'put', row: row({ rowKey: 'other' }) },
    ]);
    expect(done).toBe(false);
    expect(await table.read('p', 'other')).toBeUndefined();
    expect((await table.read('p', 'r'))?.row.n).toBe(2);
  });

  it('dropping a row that is not there is a conflict and leaves the rest undone', async () => {
    const table = tables.table();
    await table.insert(row());
    const etag = (await table.read('p', 'r'))?.etag ?? '';
    const done = await table.commit([
      { kind: 'update', row: row({ n: 3 }), etag },
      { kind: 'drop', row: row({ rowKey: 'gone' }) },
    ]);
    expect(done).toBe(false);
    expect((await table.read('p', 'r'))?.row.n).toBe(1);
  });

  it('updating a row that has gone is a conflict', async () => {
    const table = tables.table();
    expect(await table.commit([{ kind: 'update', row: row(), etag: SOME_ETAG }])).toBe(false);
  });

  it('inserting a key that is taken is a conflict', async () => {
    const table = tables.table();
    await table.insert(row());
    const inserts = [
      { kind: 'insert', row: row({ rowKey: 'new' }) },
      { kind: 'insert', row: row() },
    ] as const;
    expect(await table.commit(inserts)).toBe(false);
    expect(await table.read('p', 'new')).toBeUndefined();
  });

  it('without a conditional change is not possible: nothing would fence it', () => {
    const table = tables.table();
    expect(() => table.commit([{ kind: 'put', row: row() }])).toThrow(TypeError);
    expect(() => table.commit([{ kind: 'drop', row: row() }])).toThrow(TypeError);
  });
});

describe('reading many rows', () => {
  it('goes past the service page of 1000 rows', async () => {
    const table = tables.table();
    const keys = Array.from({ length: 1105 }, (_, index) => String(index).padStart(5, '0'));
    await fill(
      table,
      keys.map((rowKey) => row({ rowKey })),
    );
    const found = await table.all("PartitionKey eq 'p'");
    expect(found.map((stored) => stored.row.rowKey)).toEqual(keys);
    const page = await table.page("PartitionKey eq 'p'", { size: 10 });
    expect(page.rows).toHaveLength(10);
    expect(page.continuation).toBeDefined();
  });
});

describe('a table service in trouble', () => {
  it('is 503 with Retry-After, its own words stay inside, and it is tried again once it is back', async () => {
    const link = await openLink(Number(new URL(tables.server.endpoint).port));
    link.cut();
    const endpoint = `http://127.0.0.1:${link.port}/devstoreaccount1`;
    const connectionString = tables.server.connectionString.replace(tables.server.endpoint, endpoint);
    const table = createTables({ connectionString })(tables.name());
    const refusal = await refusalOf(() => table.read('p', 'r'));
    expect(refusal).toMatchObject({ code: 'temporarily_unavailable', status: 503 });
    expect(refusal.headers['Retry-After']).toMatch(/^\d+$/);
    expect(`${refusal.message} ${refusal.description} ${refusal.reason}`).not.toContain(String(link.port));
    link.mend();
    expect(await table.insert(row())).toBe(true);
    link.cut();
    await refusalOf(() => table.read('p', 'r'));
    link.mend();
    expect((await table.read('p', 'r'))?.row).toEqual(row());
    await link.close();
  });
});
