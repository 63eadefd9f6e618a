import { describe, expect, it } from 'vitest';
import { createGroupCommit } from '../../../shared/adapters/tables/group_commit.js';
import type { Row, Table } from '../../../shared/adapters/tables/table.js';

/** A table whose writes end when the test says so. */
function heldTable() {
  const writes: { rows: readonly Row[]; finish: () => void; fail: (error: Error) => void }[] = [];
  const write = (rows: readonly Row[]) =>
    new Promise<boolean>((resolve, reject) => {
      writes.push({ rows, finish: () => resolve(true), fail: reject });
    });
  const table: Pick<Table, 'insert' | 'commit'> = {
    insert: (row) => write([row]),
    commit: (changes) => write(changes.map(({ row }) => row)),
  };
  return { table: table as Table, writes };
}

const row = (partitionKey: string, rowKey: number): Row => ({ partitionKey, rowKey: String(rowKey) });
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('rows of calls in flight are committed together', () => {
  it('a lone row is written at once, and what comes meanwhile shares the next writes', async () => {
    const { table, writes } = heldTable();
    const commit = createGroupCommit(table);
    const done = [1, 2, 3, 4, 5].map((key) => commit(row('p', key)));
    expect(writes.map(({ rows }) => rows.length)).toEqual([1, 1]);
    writes[0]?.finish();
    await done[0];
    await settled();
    expect(writes[2]?.rows.map(({ rowKey }) => rowKey)).toEqual(['3', '4', '5']);
    writes[1]?.finish();
    writes[2]?.finish();
    await Promise.all(done);
  });

  it('no call resolves before its own row is durable', async () => {
    const { table, writes } = heldTable();
    const commit = createGroupCommit(table);
    const resolved: number[] = [];
    for (const key of [1, 2, 3]) void commit(row('p', key)).then(() => resolved.push(key));
    await settled();
    expect(resolved).toEqual([]);
    writes[1]?.finish();
    await settled();
    expect(resolved).toEqual([2]);
  });

  it('a transaction holds rows of one partition, a hundred at most, and no row is lost or written twice', async () => {
    const { table, writes } = heldTable();
    const commit = createGroupCommit(table);
    const all = Array.from({ length: 350 }, (_, key) => commit(row(key % 3 === 0 ? 'a' : 'b', key)));
    for (let index = 0; index < writes.length; index++) {
      writes[index]?.finish();
      await settled();
    }
    await Promise.all(all);
    for (const { rows } of writes) {
      expect(rows.length).toBeLessThanOrEqual(100);
      expect(new Set(rows.map(({ partitionKey }) => partitionKey)).size).toBe(1);
    }
    const written = writes.flatMap(({ rows }) => rows.map(({ rowKey }) => rowKey));
    expect(new Set(written).size).toBe(350);
    expect(written).toHaveLength(350);
    expect(writes.length).toBeLessThan(10);
  });

  it('a write that fails fails its own calls, and the next go on', async () => {
    const { table, writes } = heldTable();
    const commit = createGroupCommit(table);
    const [one, two] = [commit(row('p', 1)), commit(row('p', 2))];
    const three = commit(row('p', 3));
    writes[0]?.fail(new Error('down'));
    await expect(one).rejects.toThrow('down');
    await settled();
    writes[1]?.finish();
    writes[2]?.finish();
    await Promise.all([two, three]);
  });
});
