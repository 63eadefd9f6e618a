import { describe, expect, it } from 'vitest';
import { createSpill } from '../../../shared/adapters/tables/spill.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import type { Subject } from '../../../shared/domain/subject.js';
import type { SpilledCredential } from '../../../shared/ports.js';
import { NOW, someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const itemOf = (subject: Subject, more: Partial<SpilledCredential> = {}): SpilledCredential => ({
  subject,
  enrolment: 'e1',
  generation: 2,
  refreshToken: 'sealed',
  spilledAt: NOW,
  ...more,
});

describe('the second place', () => {
  it('gives back what was laid down, for that subject alone', async () => {
    const spill = createSpill(tables.table());
    const [alice, bob] = [someone('alice'), someone('bob')];
    expect(await spill.find(alice)).toBeUndefined();
    await spill.put(itemOf(alice));
    expect(await spill.find(alice)).toEqual(itemOf(alice));
    expect(await spill.find(bob)).toBeUndefined();
  });

  it('keeps the latest generation of an enrolment, whatever order they come in; a new enrolment takes its place', async () => {
    const spill = createSpill(tables.table());
    const alice = someone('alice');
    await spill.put(itemOf(alice, { generation: 3 }));
    await spill.put(itemOf(alice));
    expect((await spill.find(alice))?.generation).toBe(3);
    await spill.put(itemOf(alice, { enrolment: 'e2', generation: 1 }));
    expect(await spill.find(alice)).toMatchObject({ enrolment: 'e2', generation: 1 });
  });

  it('of many at once the latest is there', async () => {
    const spill = createSpill(tables.table());
    const alice = someone('alice');
    await Promise.all([2, 5, 4, 3].map((generation) => spill.put(itemOf(alice, { generation }))));
    expect((await spill.find(alice))?.generation).toBe(5);
  });

  it('removes what is named and not what took its place', async () => {
    const spill = createSpill(tables.table());
    const alice = someone('alice');
    await spill.remove(itemOf(alice));
    await spill.put(itemOf(alice, { generation: 3 }));
    await spill.remove(itemOf(alice));
    await spill.remove(itemOf(alice, { generation: 3, enrolment: 'e2' }));
    expect(await spill.find(alice)).toBeDefined();
    await spill.remove(itemOf(alice, { generation: 3 }));
    expect(await spill.find(alice)).toBeUndefined();
  });

  it('is listed whole, a page at a time', async () => {
    const spill = createSpill(tables.table());
    const users = Array.from({ length: 5 }, () => someone('user'));
    for (const user of users) await spill.put(itemOf(user));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await spill.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ subject }) => subject.id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen.sort()).toEqual(users.map(({ id }) => id).sort());
  });

  it('a row that cannot be read is an error, never nothing', async () => {
    const name = tables.name();
    const spill = createSpill(tables.table(name));
    const alice = someone('alice');
    await spill.put(itemOf(alice));
    for await (const { partitionKey = '', rowKey = '' } of tables.raw(name).listEntities()) {
      await tables.raw(name).updateEntity({ partitionKey, rowKey, schema: 2 }, 'Merge');
    }
    await expect(spill.find(alice)).rejects.toThrow(Unreadable);
  });
});
