import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../shared/domain/grant.js';
import { subjectName } from '../../../shared/domain/subject.js';
import type { GrantRequest } from '../../../shared/flows/create_grant.js';
import { endGrant } from '../../../shared/flows/end_grant.js';
import { createBench } from '../support/bench.js';
import { refusalOf } from '../support/refusals.js';
import { GRAPH, NOW, ORDERS, someone } from '../support/samples.js';
import { DOWN, refreshTokenOf } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const tables = withTables();

function setUp() {
  const bench = createBench(tables);
  const alice = someone('alice');
  const request = (more: Partial<GrantRequest> = {}): GrantRequest => ({
    subject: alice,
    clientId: 'nightly-report',
    resource: ORDERS,
    scope: ['orders.read'],
    expiresInSeconds: undefined,
    refreshToken: refreshTokenOf(alice),
    correlationId: 'c-1',
    ...more,
  });
  return {
    bench,
    alice,
    request,
    grant: (more: Partial<GrantRequest> = {}) => bench.createGrant(request(more)),
    connection: async () => (await bench.connections.find(alice))?.value,
    isLive: async ({ grantId }: Grant) => {
      const found = await bench.grants.find(grantId);
      return found !== undefined && found.value.ended === undefined;
    },
  };
}

describe('allowing a client', () => {
  it('makes the connection when there is none, and only then', async () => {
    const { bench, grant, connection } = setUp();
    await grant();
    expect((await connection())?.state).toBe('active');
    await grant({ refreshToken: undefined });
    expect(bench.provider.calls).toHaveLength(1);
  });

  it('is for exactly what was asked, for as long as policy allows unless asked for less', async () => {
    const { bench, grant } = setUp();
    const longest = await grant();
    expect(longest).toMatchObject({ scope: ['orders.read'], expiresAt: NOW + 30 * 86_400_000 });
    const short = await grant({ expiresInSeconds: 60 });
    expect(short.expiresAt).toBe(NOW + 60_000);
    expect((await bench.grants.find(short.grantId))?.value).toEqual(short);
  });

  it('is on the audit, with what and until when', async () => {
    const { bench, alice, grant } = setUp();
    const { grantId, expiresAt } = await grant();
    expect(await bench.audited('grant.created')).toMatchObject([
      {
        subject: subjectName(alice),
        clientId: 'nightly-report',
        resource: ORDERS,
        scope: 'orders.read',
        grantId,
        expiresAt,
      },
    ]);
  });

  it.each<[string, Partial<GrantRequest>]>([
    ['an unknown client', { clientId: 'nobody' }],
    ['a client by an inherited name', { clientId: 'constructor' }],
    ['an unknown resource', { resource: 'api://other' }],
    ['a resource of another client', { resource: 'https://elsewhere.test' }],
    ["a scope beyond the client's", { scope: ['orders.read', 'orders.write'] }],
    ['longer than policy allows', { expiresInSeconds: 30 * 86_400 + 1 }],
  ])('%s is refused before anything is done', async (_, more) => {
    const { bench, alice, grant, connection } = setUp();
    expect((await refusalOf(() => grant(more))).code).toBe('invalid_parameter');
    expect(bench.provider.calls).toEqual([]);
    expect(await connection()).toBeUndefined();
    expect(await bench.grants.ofSubject(alice)).toEqual([]);
  });

  it('without a credential to connect with nothing is granted', async () => {
    const { bench, alice, grant } = setUp();
    expect((await refusalOf(() => grant({ refreshToken: undefined }))).code).toBe('refresh_token_missing');
    bench.provider.answers(() => DOWN);
    expect((await refusalOf(() => grant())).code).toBe('temporarily_unavailable');
    expect(await bench.grants.ofSubject(alice)).toEqual([]);
  });

  it('brings a dead connection back to life', async () => {
    const { bench, alice, grant, connection } = setUp();
    await grant();
    const found = await bench.connections.find(alice);
    if (!found) throw new Error('there is no connection');
    const { refreshToken: _, ...rest } = found.value;
    await bench.connections.replace({ ...rest, state: 'dead' }, found.etag);
    await grant();
    expect((await connection())?.state).toBe('active');
  });

  it('lets what it needs be kept fresh: a provider token at once, the bare credential in time', async () => {
    const { bench, grant, connection } = setUp();
    await grant();
    const liveness = (await connection())?.dueAt ?? 0;
    expect(liveness).toBeGreaterThan(NOW + 4 * 3_600_000);
    await grant({ resource: GRAPH, scope: ['Mail.Read'] });
    expect((await connection())?.dueAt).toBe(NOW);
    await bench.tick();
    expect(bench.provider.calls.map(({ target }) => target.resource)).toEqual([undefined, GRAPH]);
  });

  it('leaves no needless look at the connection behind', async () => {
    const { bench, grant } = setUp();
    await grant();
    bench.time.now += 3_600_000;
    expect(await bench.tick()).toBe(0);
  });

  it.each([
    ['before the grant is written', 'grants', 'insert', 1],
    ['before the grant is on the audit', 'audit', 'insert', 1],
    ['before the connection is written', 'connections', 'commit', 1],
  ] as const)('a crash %s leaves nothing that is not looked after', async (_, table, write, skip) => {
    const { bench, alice, grant } = setUp();
    // The first commit makes the connection and the first audit row tells of it; the first insert of a grant is its pointer.
    bench.rows[table].fail(write, Array<'down'>(8).fill('down'), skip);
    await refusalOf(() => grant({ resource: GRAPH, scope: ['Mail.Read'] }));
    bench.rows[table].fail(write, []);
    bench.time.now += 60_000;
    await bench.tick();
    const made = await bench.grants.ofSubject(alice);
    expect(bench.provider.calls.filter(({ target }) => target.resource === GRAPH)).toHaveLength(made.length);
    bench.time.now += 3_600_000;
    await bench.tick();
    expect(bench.provider.calls.filter(({ target }) => target.resource === GRAPH)).toHaveLength(
      2 * made.length,
    );
  });
});

describe('ending a grant', () => {
  const by = { by: 'subject', correlationId: 'c-2' } as const;

  it('ends it for good, and says who did', async () => {
    const { bench, grant, isLive } = setUp();
    const made = await grant();
    expect(await endGrant(bench, made.grantId, by)).toBe(true);
    expect(await isLive(made)).toBe(false);
    expect(await bench.audited('grant.ended')).toMatchObject([{ grantId: made.grantId, reason: 'subject' }]);
  });

  it('twice is no error and one event; what is not there is false', async () => {
    const { bench, grant } = setUp();
    const { grantId } = await grant();
    await endGrant(bench, grantId, by);
    expect(await endGrant(bench, grantId, { ...by, by: 'client' })).toBe(true);
    expect(await bench.audited('grant.ended')).toHaveLength(1);
    expect((await bench.grants.find(grantId))?.value.ended?.by).toBe('subject');
    expect(await endGrant(bench, 'x', by)).toBe(false);
  });

  it('many at once all succeed, and one event is on record', async () => {
    const { bench, grant } = setUp();
    const { grantId } = await grant();
    const ended = await Promise.all(Array.from({ length: 5 }, () => endGrant(bench, grantId, by)));
    expect(ended).toEqual(Array(5).fill(true));
    expect(await bench.audited('grant.ended')).toHaveLength(1);
  });
});

describe('ending a connection', () => {
  it('leaves a tombstone: credential and kept tokens are wiped, grants ended, nothing is due', async () => {
    const { bench, alice, grant, connection, isLive } = setUp();
    const made = [await grant(), await grant({ resource: GRAPH, scope: ['Mail.Read'] })];
    await bench.tick();
    expect(await bench.endConnection(alice, 'c-3')).toEqual({ grantsEnded: 2, revocation: 'not_supported' });
    const ended = await connection();
    expect(ended).toMatchObject({ state: 'ended', endedAt: NOW });
    for (const gone of ['refreshToken', 'previous', 'claim', 'dueAt', 'lastAttemptId']) {
      expect(ended).not.toHaveProperty(gone);
    }
    expect(await bench.connections.keptTokens(alice)).toEqual([]);
    expect(await Promise.all(made.map(isLive))).toEqual([false, false]);
    bench.time.now += 86_400_000;
    expect(await bench.tick()).toBe(0);
    expect(await bench.audited('connection.ended')).toHaveLength(1);
  });

  it('what is not there, or is over, is not ended again', async () => {
    const { bench, alice, grant } = setUp();
    expect(await bench.endConnection(alice, 'c')).toBeUndefined();
    await grant();
    await bench.endConnection(alice, 'c');
    expect(await bench.endConnection(alice, 'c')).toBeUndefined();
    expect(await bench.audited('connection.ended')).toHaveLength(1);
  });

  it('a crash half-way leaves less authority and never more, and ending again finishes it', async () => {
    const { bench, alice, grant, connection, isLive } = setUp();
    const made = await grant();
    bench.rows.connections.fail('commit', Array<'down'>(5).fill('down'));
    await refusalOf(() => bench.endConnection(alice, 'c'));
    expect(await isLive(made)).toBe(false);
    bench.rows.connections.fail('commit', []);
    expect(await bench.endConnection(alice, 'c')).toBeDefined();
    expect((await connection())?.state).toBe('ended');
  });

  it('connecting again does not bring old grants back', async () => {
    const { bench, alice, grant, isLive } = setUp();
    const old = await grant({ resource: GRAPH, scope: ['Mail.Read'] });
    await bench.endConnection(alice, 'c');
    const taken = await bench.takeOver({
      subject: alice,
      refreshToken: refreshTokenOf(alice),
      correlationId: 'c',
    });
    expect(taken.created).toBe(true);
    expect(await isLive(old)).toBe(false);
    expect(taken.connection.dueAt).toBeUndefined();
  });

  it('a grant made while the connection is being ended does not outlive it', async () => {
    for (let round = 0; round < 8; round++) {
      const { bench, alice, grant, connection } = setUp();
      await grant();
      const [made] = await Promise.allSettled([
        grant({ refreshToken: undefined }),
        new Promise((resolve) => setTimeout(resolve, round)).then(() => bench.endConnection(alice, 'c')),
      ]);
      const live = (await bench.grants.ofSubject(alice)).filter(({ value }) => value.ended === undefined);
      expect((await connection())?.state).toBe('ended');
      expect(live).toEqual([]);
      if (made.status === 'rejected') {
        expect(['conflict', 'refresh_token_missing']).toContain(
          (await refusalOf(() => Promise.reject(made.reason))).code,
        );
      }
    }
  });
});
