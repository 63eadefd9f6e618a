import { beforeEach, describe, expect, it } from 'vitest';
import { createArchive } from '../../../shared/adapters/tables/archive.js';
import { createOutbox } from '../../../shared/adapters/tables/outbox.js';
import { createReplayStore } from '../../../shared/adapters/tables/token_ids.js';
import { diedEvent } from '../../../shared/domain/event.js';
import type { Patience } from '../../../shared/domain/reap.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { createSweep, type Sweep } from '../../../shared/flows/sweep.js';
import type { ConnectionStore, Outbox } from '../../../shared/ports.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { GRAPH, NOW } from '../support/samples.js';
import { failing, refreshTokenOf } from '../support/scripted_provider.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const DAY = 86_400_000;
const patience: Patience = { endedDays: 30, deadDays: 30, grantDays: 10, idleDays: 60, unreachableDays: 60 };
let bench: Bench;
let tables: ReturnType<typeof memoryTables>;
let sweep: Sweep;

beforeEach(() => {
  tables = memoryTables(() => bench?.time.now ?? NOW);
  bench = createBench(tables);
  sweep = sweepWith();
});

const { user, users, connection } = upkeepUsers(() => bench);

function sweepWith(
  more: {
    expiresAt?: number;
    failuresKeptDays?: number;
    store?: Partial<ConnectionStore>;
    forget?: Outbox['forget'];
  } = {},
): Sweep {
  const connections = { ...bench.connections, ...more.store };
  const outbox = createOutbox({ entries: tables.table('events'), due: tables.table('eventsDue') });
  return createSweep({
    ...bench,
    connections,
    archive: createArchive({
      connections: bench.rows.connections,
      grants: bench.rows.grants,
      failures: bench.rows.failures,
      tokenIds: tables.table('tokenIds'),
      positions: tables.table('positions'),
      store: connections,
    }),
    outbox: { ...outbox, ...(more.forget ? { forget: more.forget } : {}) },
    limitsOf: () => ({ inactivitySeconds: 90 * 86_400 }),
    patience,
    failuresKeptDays: more.failuresKeptDays ?? 90,
    quarantineKeptDays: 30,
    registrations: more.expiresAt === undefined ? [] : [{ name: 'aad', expiresAt: more.expiresAt }],
  });
}

/** One slice each day, and the tick of the timer that goes with it. */
async function days(count: number): Promise<void> {
  for (let day = 0; day < count; day++) {
    bench.time.now += DAY;
    await bench.tick();
    await sweep.slice();
  }
}

/** What a user does who allows a client, and connects for it where that is needed. */
const give = (subject: Subject) =>
  bench.createGrant({
    subject,
    clientId: 'nightly-report',
    resource: GRAPH,
    scope: ['Mail.Read'],
    expiresInSeconds: undefined,
    refreshToken: refreshTokenOf(subject),
    correlationId: 'c',
  });

const listed = async () => (await bench.grants.ofClient('nightly-report', { limit: 100 })).items;
const rowsOf = async (subject: Subject) => [
  await connection(subject),
  ...(await bench.grants.ofSubject(subject)),
];
const toldOnce = (type: string) =>
  new Map(bench.told.filter((event) => event.type === type).map((event) => [event.id, event]));

describe('the daily round', () => {
  it('wipes what was ended, its grants and what pointed at them, each when its patience is over; what lives stays', async () => {
    const [gone, alive] = await users(2);
    if (!gone || !alive) throw new Error('no users');
    await bench.endConnection(gone, 'c');
    await days(9);
    expect(await rowsOf(gone)).toHaveLength(2);
    await days(1);
    expect(await bench.grants.ofSubject(gone)).toEqual([]);
    expect((await listed()).map(({ subject }) => subject)).toEqual([alive]);
    await days(10);
    expect((await connection(gone))?.state).toBe('ended');
    await days(11);
    expect(await connection(gone)).toBeUndefined();
    expect((await connection(alive))?.state).toBe('active');
  });

  it('ends a connection that no grant needs any more, and wipes it in the end', async () => {
    const [idle] = await users(1);
    if (!idle) throw new Error('no user');
    // It was refreshed for the last time on the day before its grant ended.
    await days(29 + 59);
    expect((await connection(idle))?.state).toBe('active');
    await days(2);
    expect((await connection(idle))?.state).toBe('ended');
    expect((await connection(idle))?.refreshToken).toBeUndefined();
    await days(31);
    expect(await rowsOf(idle)).toEqual([undefined]);
  });

  it('a connection stays whose user gives a grant in the very moment it is found idle', async () => {
    const [idle] = await users(1);
    if (!idle) throw new Error('no user');
    bench.time.now += 91 * DAY;
    let gave = false;
    const late = sweepWith({
      store: {
        async keptTokens(subject) {
          if (!gave) await give(subject);
          gave = true;
          return bench.connections.keptTokens(subject);
        },
      },
    });
    expect(await late.slice()).toMatchObject({ reaped: { idle: 0 } });
    expect((await connection(idle))?.state).toBe('active');
    const live = (await bench.grants.ofSubject(idle)).filter(({ value }) => !value.ended);
    expect(live.some(({ value }) => value.expiresAt > bench.time.now)).toBe(true);
  });

  it('a leftover whose user connects anew while it is being wiped is not wiped', async () => {
    const [back] = await users(1);
    if (!back) throw new Error('no user');
    const found = await bench.connections.find(back);
    if (!found) throw new Error('no connection');
    await bench.connections.replace({ ...found.value, state: 'dead' }, found.etag);
    bench.time.now += 91 * DAY;
    const late = sweepWith({
      store: {
        async replace(value, etag, changes) {
          const applied = await bench.connections.replace(value, etag, changes);
          await give(value.subject);
          return applied;
        },
      },
    });
    expect(await late.slice()).toMatchObject({ reaped: { dead: 0 } });
    expect((await connection(back))?.state).toBe('active');
  });

  it('a dry run finds what a round would do, and changes nothing', async () => {
    const all = await users(3);
    const [gone] = all;
    if (!gone) throw new Error('no user');
    await bench.endConnection(gone, 'c');
    bench.time.now += 31 * DAY;
    const before = JSON.stringify(await Promise.all(all.map(rowsOf)));
    const report = await sweep.dryRun();
    expect(report).toMatchObject({ connections: 3, reaped: { grant_over: 1, ended: 1 } });
    expect(JSON.stringify(await Promise.all(all.map(rowsOf)))).toBe(before);
    expect(bench.told).toEqual([]);
  });

  it('brings a connection back that has fallen out of the due index', async () => {
    const [lost] = await users(1);
    if (!lost) throw new Error('no user');
    await bench.due.remove({ subject: lost, dueAt: (await connection(lost))?.dueAt ?? 0 });
    bench.time.now += DAY;
    expect(await bench.tick()).toBe(0);
    expect(await sweep.slice()).toMatchObject({ mended: 1 });
    await bench.tick();
    expect(bench.provider.calls).toHaveLength(1);
  });

  it('leaves one that is set aside to its own time', async () => {
    const [poison] = await users(1);
    if (!poison) throw new Error('no user');
    const found = await bench.connections.find(poison);
    if (!found) throw new Error('no connection');
    await bench.connections.replace({ ...found.value, refreshToken: 'unsealed' }, found.etag);
    bench.time.now += (25 * DAY) / 24;
    await bench.tick();
    for (let round = 0; round < 5; round++) {
      bench.time.now += DAY;
      expect(await sweep.slice()).toMatchObject({ mended: 0 });
      await bench.tick();
    }
    expect(await bench.due.count(bench.time.now + 2 * DAY, 100)).toBe(1);
  });

  it('is done once a day, and goes on where a slice ended', async () => {
    await users(2);
    expect((await sweep.slice()).connections).toBe(2);
    expect((await sweep.slice()).connections).toBe(0);
    bench.time.now += DAY;
    expect((await sweep.slice()).connections).toBe(2);
  });

  it('a slice that runs out of time leaves the rest to the next', async () => {
    // More than one page, in a hurry.
    for (let index = 0; index < 520; index++) await user();
    const all = bench.grants.ofSubject;
    const slow = createSweepOver(async (subject) => {
      bench.time.now += 200;
      return all(subject);
    });
    const first = await slow.slice();
    const second = await slow.slice();
    expect([first.connections, second.connections]).toEqual([500, 20]);
    expect((await slow.slice()).connections).toBe(0);
  });

  it('forgets failures and token ids that nobody needs any more, and none before', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += DAY;
    bench.provider.answers(() => failing('x', { status: 503 }));
    await bench.tick();
    bench.provider.answersWell();
    const replay = createReplayStore(tables.table('tokenIds'), bench.random);
    const until = bench.time.now + 60_000;
    await replay.use('c', 'id', until);
    sweep = sweepWith({ failuresKeptDays: 5 });
    await sweep.slice();
    expect(await bench.failed()).not.toEqual([]);
    expect(await replay.use('c', 'id', until)).toBe(false);
    bench.time.now += 3 * DAY;
    await sweep.slice();
    expect(await replay.use('c', 'id', until)).toBe(true);
    bench.time.now += 3 * DAY;
    await sweep.slice();
    expect(await bench.failed()).toEqual([]);
  });
});

describe('old events', () => {
  it('are looked for once a day, and at every slice while there are more than one takes', async () => {
    const forgot = [5000, 5000, 17, 0];
    const looked: number[] = [];
    sweep = sweepWith({
      forget: async () => {
        looked.push(bench.time.now);
        return forgot.shift() ?? 0;
      },
    });
    const from = bench.time.now;
    for (let slice = 0; slice < 24 * 12 + 5; slice++) {
      await sweep.slice();
      bench.time.now += 5 * 60_000;
    }
    expect(looked.map((at) => (at - from) / 60_000)).toEqual([0, 5, 10, 24 * 60 + 10]);
  });
});

function createSweepOver(ofSubject: Bench['grants']['ofSubject']): Sweep {
  const before = bench.grants;
  Object.assign(bench, { grants: { ...before, ofSubject } });
  const made = sweepWith();
  Object.assign(bench, { grants: before });
  return made;
}

describe('the quarantine', () => {
  it('loses rows and messages that nobody has met for its patience, and no connection', async () => {
    const [subject] = await users(1);
    if (!subject) throw new Error('no user');
    const entry = { why: 'x', firstAt: NOW, lastAt: NOW, times: 1 };
    await bench.quarantine.put({ ...entry, id: 'row', what: 'due_row' });
    await bench.quarantine.put({ ...entry, id: 'message', what: 'message' });
    await bench.quarantine.put({ ...entry, id: 'again', what: 'message', lastAt: NOW + 2 * DAY });
    await bench.quarantine.put({ ...entry, id: 'connection', what: 'connection', subject });
    const ids = async () => (await bench.quarantine.list({ limit: 10 })).items.map(({ id }) => id);
    bench.time.now = NOW + 30 * DAY;
    await sweep.slice();
    expect(await ids()).toHaveLength(4);
    bench.time.now += DAY;
    expect((await sweep.slice()).forgotten).toBeGreaterThanOrEqual(2);
    expect(await ids()).toEqual(['again', 'connection']);
  });
});

describe('a death', () => {
  it('whose news did not get out is told of by the daily round, as the same event, once', async () => {
    await users(1);
    bench.time.now += DAY;
    bench.provider.answers(() => failing('invalid_grant', { codes: [50173] }));
    await bench.tick();
    const [audited] = await bench.audited('connection.died');
    if (!audited) throw new Error('nobody died');
    expect(bench.told).toEqual([]);
    await days(3);
    const { id, subject = '', at } = audited;
    expect(bench.told).toMatchObject([{ type: 'connection.died', subject }]);
    expect(bench.told[0]?.id).toBe(diedEvent({ id, subject, at, reason: '' }).id);
  });
});

describe('warnings', () => {
  it('of the end of a grant: 14, 3 and 1 days ahead, each once', async () => {
    await users(1);
    for (let half = 0; half < 62; half++) {
      bench.time.now += DAY / 2;
      await bench.tick();
      await sweep.slice();
    }
    const told = [...toldOnce('grant.expiring').values()];
    expect(told.map(({ data }) => data.days)).toEqual([14, 3, 1]);
    expect(JSON.stringify(told)).not.toMatch(/rt\.|at\./);
  });

  it.each([
    ['an hour', 3600, []],
    ['a day', 86_400, []],
    ['two days', 2 * 86_400, [1]],
    ['ten days', 10 * 86_400, [3, 1]],
  ])(
    'of a grant that was given for %s: only those that are shorter than its life',
    async (_, expiresInSeconds, days) => {
      const [alice] = await users(1);
      if (!alice) throw new Error('no user');
      await bench.createGrant({
        ...{
          subject: alice,
          clientId: 'mail-agent',
          resource: GRAPH,
          scope: ['Mail.Read'],
          expiresInSeconds,
        },
        ...{ refreshToken: undefined, correlationId: 'c' },
      });
      for (let round = 0; round < 11; round++) {
        bench.time.now += round === 0 ? 60_000 : DAY + 1000;
        await sweep.slice();
      }
      const told = [...toldOnce('grant.expiring').values()].filter(({ data }) =>
        String(data.cause).includes('mail-agent'),
      );
      expect(told.map(({ data }) => data.days)).toEqual(days);
    },
  );

  it('of a connection that dies for want of use', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    await bench.createGrant({
      subject: alice,
      clientId: 'mail-agent',
      resource: GRAPH,
      scope: ['Mail.Read'],
      expiresInSeconds: 89 * 86_400,
      refreshToken: undefined,
      correlationId: 'c',
    });
    bench.time.now += 80 * DAY;
    await sweep.slice();
    expect([...toldOnce('connection.dying').values()]).toMatchObject([
      { data: { cause: 'inactivity', days: 14 } },
    ]);
  });

  it('of the end of the app registration’s secret, without a single connection', async () => {
    sweep = sweepWith({ expiresAt: NOW + 20 * DAY });
    await days(25);
    const told = [...toldOnce('registration.credential_expiring').values()];
    expect(told.map(({ data }) => data.days)).toEqual([14, 3, 1]);
    expect(told.every(({ subject }) => subject === 'aad')).toBe(true);
  });
});
