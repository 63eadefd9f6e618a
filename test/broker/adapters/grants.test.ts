import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGrantStore } from '../../../shared/adapters/tables/grants.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import { grantKeys } from '../../../shared/domain/grant.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { hostileText } from '../support/arbitraries.js';
import { refusalOf } from '../support/refusals.js';
import { grantOf, NOW, someone } from '../support/samples.js';
import { fill, withTables } from '../support/tables.js';

const tables = withTables();

async function filled(subject: Subject, count: number) {
  const name = tables.name();
  const store = createGrantStore(tables.table(name));
  const grants = Array.from({ length: count }, () => grantOf(subject));
  for (let start = 0; start < count; start += 25) {
    await Promise.all(grants.slice(start, start + 25).map((grant) => store.create(grant)));
  }
  return { name, store, grants };
}

describe('the grant store', () => {
  it('gives back every member of a grant', async () => {
    const { store } = await filled(someone(), 0);
    const live = grantOf(someone());
    const ended = grantOf(someone(), { ended: { at: NOW + 1, by: 'connection_ended' } });
    for (const grant of [live, ended]) {
      await store.create(grant);
      expect((await store.find(grant.grantId))?.value).toEqual(grant);
    }
  });

  it('finds nothing by any other text', async () => {
    const { store, grants } = await filled(someone(), 1);
    const id = grants[0]?.grantId ?? '';
    await fc.assert(
      fc.asyncProperty(hostileText, fc.nat(id.length - 1), async (text, at) => {
        expect(await store.find(text)).toBeUndefined();
        const other = id[at] === 'A' ? 'B' : 'A';
        expect(await store.find(id.slice(0, at) + other + id.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it('an id drawn twice is refused and does not touch the first grant', async () => {
    const { store, grants } = await filled(someone(), 1);
    const [first] = grants;
    if (!first) throw new Error('no grant');
    await expect(store.create({ ...first, clientId: 'thief' })).rejects.toThrow();
    expect((await store.find(first.grantId))?.value.clientId).toBe('nightly-report');
  });

  it('of many changes under one etag exactly one wins', async () => {
    const { store, grants } = await filled(someone(), 1);
    const [grant] = grants;
    if (!grant) throw new Error('no grant');
    const etag = (await store.find(grant.grantId))?.etag ?? '';
    const won = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        store.replace({ ...grant, ended: { at: NOW + index, by: 'client' } }, etag),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.find(grant.grantId))?.value.ended?.at).toBe(NOW + won.indexOf(true));
  });

  it("lists a subject's grants and nobody else's", async () => {
    const [alice, bob] = [someone(), someone()];
    const { store, grants } = await filled(alice, 3);
    await store.create(grantOf(bob));
    const ids = (await store.ofSubject(alice)).map(({ value }) => value.grantId);
    expect(ids.sort()).toEqual(grants.map(({ grantId }) => grantId).sort());
    expect(await store.ofSubject({ ...alice, tenant: 'other' })).toEqual([]);
  });

  it('lists every grant of a subject, also beyond the service page of 1000', async () => {
    const alice = someone();
    const { name, store, grants } = await filled(alice, 1);
    const keys = grantKeys(grants[0]?.grantId ?? '');
    const table = tables.table(name);
    const sample = await table.read(keys?.partition ?? '', keys?.row ?? '');
    if (!sample) throw new Error('no grant');
    const rows = Array.from({ length: 1010 }, (_, index) => ({ ...sample.row, rowKey: `row-${index}` }));
    await fill(table, rows);
    expect(await store.ofSubject(alice)).toHaveLength(1011);
  });

  it.each(['subject', 'client'] as const)('pages through those of a %s, each once', async (owner) => {
    const alice = someone();
    const { store, grants } = await filled(alice, 23);
    await store.create(grantOf(someone(), { clientId: 'another' }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = { limit: 5, ...(cursor === undefined ? {} : { cursor }) };
      const found =
        owner === 'subject'
          ? await store.pageOfSubject(alice, page)
          : await store.ofClient('nightly-report', page);
      expect(found.items.length).toBeLessThanOrEqual(5);
      seen.push(...found.items.map(({ grantId }) => grantId));
      cursor = found.cursor;
    } while (cursor !== undefined);
    expect(seen.sort()).toEqual(grants.map(({ grantId }) => grantId).sort());
  });

  it('a cursor it did not give out is invalid_parameter', async () => {
    const { store } = await filled(someone(), 0);
    for (const cursor of ['', 'x', "' or true", Buffer.from("a.b' or 1 eq 1").toString('base64url')]) {
      const refusal = await refusalOf(() => store.ofClient('nightly-report', { limit: 5, cursor }));
      expect(refusal.code).toBe('invalid_parameter');
    }
  });

  it("a client's list shows the grant as it is now", async () => {
    const { store, grants } = await filled(someone(), 1);
    const found = await store.find(grants[0]?.grantId ?? '');
    if (!found) throw new Error('no grant');
    const ended = { at: NOW, by: 'subject' } as const;
    await store.replace({ ...found.value, ended }, found.etag);
    expect((await store.ofClient('nightly-report', { limit: 5 })).items[0]?.ended).toEqual(ended);
  });

  it('a pointer without its grant, as a crash leaves it, is passed over', async () => {
    const { name, store, grants } = await filled(someone(), 2);
    const keys = grantKeys(grants[0]?.grantId ?? '');
    await tables.raw(name).deleteEntity(keys?.partition ?? '', keys?.row ?? '');
    const { items } = await store.ofClient('nightly-report', { limit: 5 });
    expect(items.map(({ grantId }) => grantId)).toEqual([grants[1]?.grantId]);
  });

  it.each([
    ['of a later schema', { schema: 2 }],
    ['with an end of another type, so that no ended grant is taken for live', { endedAt: new Date(NOW) }],
    ['with an end by nobody', { endedAt: new Date(NOW).toISOString() }],
    ['with an expiry that is none', { expiresAt: '' }],
  ])('a row %s is an error and not an absence', async (_, columns) => {
    const { name, store, grants } = await filled(someone(), 1);
    const grantId = grants[0]?.grantId ?? '';
    const keys = grantKeys(grantId);
    const key = { partitionKey: keys?.partition ?? '', rowKey: keys?.row ?? '' };
    await tables.raw(name).updateEntity({ ...key, ...columns }, 'Merge');
    await expect(store.find(grantId)).rejects.toThrow(Unreadable);
  });
});
