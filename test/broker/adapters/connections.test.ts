import { describe, expect, it } from 'vitest';
import { createConnectionStore } from '../../../shared/adapters/tables/connections.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import { subjectKey } from '../../../shared/domain/subject.js';
import { connectionOf, keptOf, NOW, someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();

describe('the connection store', () => {
  it('gives back every member of a connection, and no member that was not there', async () => {
    const store = createConnectionStore(tables.table());
    const whole = connectionOf(someone(), {
      state: 'dead',
      generation: 2 ** 31 + 5,
      previous: { refreshToken: 'old', until: NOW + 1 },
      membership: { provenAt: NOW, groups: ['g', 'a group'], roles: [] },
      endedAt: NOW + 2,
      claim: { attemptId: 'a' },
      lastAttemptId: 'b',
      dueAt: NOW + 4,
    });
    const bare = connectionOf(someone());
    for (const connection of [whole, bare]) {
      expect(await store.create(connection)).toBe(true);
      expect((await store.find(connection.subject))?.value).toEqual(connection);
    }
  });

  it('more groups than a row can hold are too many, as the provider would say', async () => {
    const store = createConnectionStore(tables.table());
    const groups = Array.from({ length: 5000 }, (_, index) => `group ${index}`);
    const connection = connectionOf(someone(), { membership: { provenAt: NOW, groups, roles: ['R'] } });
    await store.create(connection);
    expect((await store.find(connection.subject))?.value.membership).toEqual({
      provenAt: NOW,
      groups: 'too_many',
      roles: ['R'],
    });
  });

  it('nobody has a connection until it is made, and only the first of many makes it', async () => {
    const store = createConnectionStore(tables.table());
    const user = someone();
    expect(await store.find(user)).toBeUndefined();
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, index) => store.create(connectionOf(user, { enrolment: `e${index}` }))),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    expect((await store.find(user))?.value.enrolment).toBe(`e${made.indexOf(true)}`);
  });

  it('of many replacements under one etag exactly one wins, and its tokens with it', async () => {
    const store = createConnectionStore(tables.table());
    const user = someone();
    await store.create(connectionOf(user));
    const etag = (await store.find(user))?.etag ?? '';
    const won = await Promise.all(
      Array.from({ length: 10 }, (_, generation) =>
        store.replace(connectionOf(user, { generation }), etag, { keep: [keptOf(user, { generation })] }),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.find(user))?.value.generation).toBe(won.indexOf(true));
    expect((await store.keptTokens(user)).map(({ generation }) => generation)).toEqual([won.indexOf(true)]);
  });

  it('a replaced connection keeps nothing of the row before', async () => {
    const store = createConnectionStore(tables.table());
    const user = someone();
    await store.create(connectionOf(user, { dueAt: NOW, claim: { attemptId: 'a' } }));
    const found = await store.find(user);
    const { refreshToken: _, ...rest } = connectionOf(user, { state: 'ended' });
    await store.replace(rest, found?.etag ?? '');
    expect((await store.find(user))?.value).toEqual(rest);
  });

  it('keeps a token per target, with its failure, and finds each by its target alone', async () => {
    const store = createConnectionStore(tables.table());
    const user = someone();
    const failure = {
      class: 'user_action_required',
      count: 2,
      firstAt: NOW,
      at: NOW + 1,
      error: 'invalid_grant',
      codes: [50076],
      claims: '{}',
      nextAttemptAt: NOW + 2,
    } as const;
    const mail = keptOf(user, { failure });
    const failed = keptOf(user, { target: { resource: 'api://a b', scope: ['x', 'y'] }, failure });
    const { token: _, ...failedOnly } = failed;
    const proof = keptOf(user, {
      target: { scope: [] },
      token: { scope: [], obtainedAt: NOW, expiresAt: NOW + 1 },
    });
    await store.create(connectionOf(user), { keep: [mail, failedOnly, proof] });
    expect(await store.keptToken(user, mail.target)).toEqual(mail);
    expect(await store.keptToken(user, failed.target)).toEqual(failedOnly);
    expect(await store.keptToken(user, proof.target)).toEqual(proof);
    expect(await store.keptToken(user, { ...mail.target, scope: [] })).toBeUndefined();
    expect(await store.keptToken(someone(), mail.target)).toBeUndefined();
    expect(await store.keptTokens(user)).toHaveLength(3);
  });

  it('drops tokens together with the change, or not at all', async () => {
    const store = createConnectionStore(tables.table());
    const user = someone();
    await store.create(connectionOf(user), { keep: [keptOf(user)] });
    const found = await store.find(user);
    await store.replace(connectionOf(user, { generation: 2 }), found?.etag ?? '');
    expect(await store.replace(connectionOf(user), found?.etag ?? '', { drop: [keptOf(user).target] })).toBe(
      false,
    );
    expect(await store.keptTokens(user)).toHaveLength(1);
    const etag = (await store.find(user))?.etag ?? '';
    expect(await store.replace(connectionOf(user), etag, { drop: [keptOf(user).target] })).toBe(true);
    expect(await store.keptTokens(user)).toEqual([]);
  });

  it("another user's connection is another partition", async () => {
    const name = tables.name();
    const store = createConnectionStore(tables.table(name));
    const [one, two] = [someone(), someone()];
    await store.create(connectionOf(one), { keep: [keptOf(one)] });
    expect(await store.find(two)).toBeUndefined();
    expect(await store.keptTokens(two)).toEqual([]);
    expect(await store.find({ ...one, tenant: 'another' })).toBeUndefined();
  });

  it.each([
    ['a later schema', { schema: 2 }],
    ['an unknown state', { state: 'paused' }],
    ['a generation that is a text', { generation: '1' }],
    ['a generation that is a fraction', { generation: 1.5 }],
    ['a time that is none', { refreshedAt: 'soon' }],
    ['a due time of another type', { dueAt: new Date(NOW) }],
    ['a claim by nobody', { claimAttemptId: 7 }],
  ])('a row with %s is an error and not an absence', async (_, columns) => {
    const name = tables.name();
    const store = createConnectionStore(tables.table(name));
    const user = someone();
    await store.create(connectionOf(user));
    const key = { partitionKey: subjectKey(user), rowKey: 'connection' };
    await tables.raw(name).updateEntity({ ...key, ...columns }, 'Merge');
    await expect(store.find(user)).rejects.toThrow(Unreadable);
  });

  it.each(['', 'null', '{', '{"class":"odd"}', '{"class":"transient","count":"1"}'])(
    'a kept failure that cannot be read (%j) is an error',
    async (failure) => {
      const name = tables.name();
      const store = createConnectionStore(tables.table(name));
      const user = someone();
      await store.create(connectionOf(user), { keep: [keptOf(user)] });
      for await (const { partitionKey = '', rowKey = '' } of tables.raw(name).listEntities()) {
        if (rowKey !== 'connection')
          await tables.raw(name).updateEntity({ partitionKey, rowKey, failure }, 'Merge');
      }
      await expect(store.keptTokens(user)).rejects.toThrow(Unreadable);
    },
  );
});
