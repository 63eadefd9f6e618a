import { describe, expect, it } from 'vitest';
import { createDueIndex } from '../../../shared/adapters/tables/due.js';
import { subjectKey } from '../../../shared/domain/subject.js';
import type { DueIndex, DueItem } from '../../../shared/ports.js';
import { NOW, someone } from '../support/samples.js';
import { fill, overwrite, withTables } from '../support/tables.js';

const tables = withTables();
const MINUTE = 60_000;
const due = (dueAt: number): DueItem => ({ subject: someone(), dueAt });
const ids = (items: readonly DueItem[]) => items.map(({ subject }) => subject.id).sort();

async function filled(...times: readonly number[]) {
  const name = tables.name();
  const index = createDueIndex(tables.table(name));
  const items = times.map(due);
  // In handfuls: a thousand at once would only test the emulator's patience.
  for (let start = 0; start < items.length; start += 25) {
    await Promise.all(items.slice(start, start + 25).map((item) => index.put(item)));
  }
  return { name, index, items };
}

function take(index: DueIndex, now = NOW, limit = 100) {
  return index.take({ now, hiddenUntil: now + 5 * MINUTE, limit });
}

describe('the due index', () => {
  it('gives what is due by now, oldest first, and nothing before its time', async () => {
    const { index } = await filled(NOW + 1, NOW, NOW - 3 * MINUTE, NOW - 1, NOW + MINUTE, NOW - 86_400_000);
    expect((await take(index)).map(({ dueAt }) => dueAt - NOW)).toEqual([-86_400_000, -3 * MINUTE, -1, 0]);
  });

  it('hides what was taken until it is overdue again', async () => {
    const { index, items } = await filled(NOW - 1, NOW - MINUTE);
    expect(await take(index)).toHaveLength(2);
    expect(await take(index)).toEqual([]);
    expect(await take(index, NOW + 5 * MINUTE - 1)).toEqual([]);
    expect(ids(await take(index, NOW + 5 * MINUTE))).toEqual(ids(items));
  });

  it('a removed item never comes back; removing it again is no error', async () => {
    const { index, items } = await filled(NOW);
    const [item] = items;
    if (!item) throw new Error('no item');
    await take(index);
    await index.remove(item);
    await index.remove(item);
    expect(await take(index, NOW + 86_400_000)).toEqual([]);
  });

  it('an item put twice is one item', async () => {
    const { index, items } = await filled(NOW);
    await Promise.all(items.map((item) => index.put(item)));
    expect(await take(index)).toHaveLength(1);
  });

  it('one user due at two times of one minute is two items: the later is not lost with the earlier', async () => {
    const { index, items } = await filled(NOW - 10);
    const [first] = items;
    if (!first) throw new Error('no item');
    await index.put({ ...first, dueAt: NOW - 5 });
    await index.remove(first);
    expect((await take(index)).map(({ dueAt }) => dueAt)).toEqual([NOW - 5]);
  });

  it('two takers share nothing, and between them miss nothing', async () => {
    const times = Array.from({ length: 260 }, (_, index) => NOW - (index % 7) * MINUTE - index);
    const { index, items } = await filled(...times);
    const takers = await Promise.all([
      take(index, NOW, 1000),
      take(index, NOW, 1000),
      take(index, NOW, 1000),
    ]);
    const taken = takers.flat();
    expect(new Set(ids(taken)).size).toBe(taken.length);
    const late = await take(index, NOW + 5 * MINUTE, 1000);
    expect(new Set([...ids(taken), ...ids(late)]).size).toBe(items.length);
  });

  it('takes no more than the limit, and the rest on the next tick', async () => {
    const times = Array.from({ length: 130 }, (_, index) => NOW - index * 1000);
    const { index, items } = await filled(...times);
    const first = await take(index, NOW, 50);
    expect(first).toHaveLength(50);
    const rest = [...(await take(index, NOW, 50)), ...(await take(index, NOW, 50))];
    expect(ids([...first, ...rest])).toEqual(ids(items));
    const oldest = [...times].sort((a, b) => a - b).slice(0, 50);
    expect(first.map(({ dueAt }) => dueAt).every((at) => at <= (oldest.at(-1) ?? 0) + MINUTE)).toBe(true);
  });

  it('goes past the 100 rows of a transaction and the 1000 rows of a page', async () => {
    const { name, index } = await filled();
    const rows = Array.from({ length: 1020 }, (_, at) => {
      const { subject, dueAt } = due(NOW - at);
      return {
        partitionKey: String(Math.floor(dueAt / MINUTE)).padStart(10, '0'),
        rowKey: `${String(dueAt).padStart(14, '0')}-${subjectKey(subject)}`,
        schema: 1,
        provider: subject.provider,
        tenant: subject.tenant,
        objectId: subject.id,
        dueAt: new Date(dueAt).toISOString(),
      };
    });
    for (const partition of new Set(rows.map(({ partitionKey }) => partitionKey))) {
      await fill(
        tables.table(name),
        rows.filter(({ partitionKey }) => partitionKey === partition),
      );
    }
    expect(await take(index, NOW, 5000)).toHaveLength(1020);
    expect(await take(index, NOW, 5000)).toEqual([]);
  });

  it('passes over rows it cannot read: one bad row starves nobody', async () => {
    const { name, index, items } = await filled(NOW - 3, NOW - 1);
    const bucket = String(Math.floor(NOW / MINUTE) - 1).padStart(10, '0');
    const rowKey = (at: number) => `${String(at).padStart(14, '0')}-${subjectKey(someone())}`;
    const good = { schema: 1, provider: 'aad', tenant: 't', objectId: 'x' };
    const bad: Record<string, string | number>[] = [
      {},
      { ...good, schema: 2 },
      { ...good, dueAt: 'soon' },
      { ...good, dueAt: new Date(NOW - 2).toISOString() },
      { ...good, dueAt: new Date(NOW - 2).toISOString(), hiddenUntil: 'never' },
    ];
    for (const [at, columns] of bad.entries()) {
      await overwrite(tables.raw(name), { partitionKey: bucket, rowKey: rowKey(NOW - 2 - at), ...columns });
    }
    expect(ids(await take(index))).toEqual(ids(items));
  });
});
