import { beforeEach, describe, expect, it } from 'vitest';
import { UPKEEP_HEARTBEAT } from '../../../shared/flows/find_due.js';
import { type Bench, createBench } from '../support/bench.js';
import { GRAPH, NOW, ORDERS } from '../support/samples.js';
import { failing } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const tables = withTables();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let bench: Bench;

beforeEach(() => {
  bench = createBench(tables);
});

const { user, users, asked, connection, tokenOf } = upkeepUsers(() => bench);

describe('unattended upkeep', () => {
  it('refreshes each token before its end, again and again, with nobody there', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    for (let minute = 0; minute < 5 * 60; minute += 5) {
      bench.time.now += 5 * MINUTE;
      await bench.tick();
      const left = ((await tokenOf(alice))?.token?.expiresAt ?? 0) - bench.time.now;
      expect(left).toBeGreaterThan(0);
    }
    expect(asked(alice)).toBeGreaterThanOrEqual(5);
    expect(asked(alice)).toBeLessThanOrEqual(7);
  });

  it('hands what is due out in batches that a message can hold, each user once', async () => {
    await users(33);
    bench.time.now += HOUR;
    const batches = await bench.findDue();
    expect(batches.map((batch) => batch.length)).toEqual([32, 1]);
    expect(new Set(batches.flat().map(({ subject }) => subject.id)).size).toBe(33);
    expect(await bench.findDue()).toEqual([]);
  });

  it('leaves a sign of life each time', async () => {
    bench.time.now += 5;
    await bench.tick();
    expect(await bench.heartbeat.last(UPKEEP_HEARTBEAT)).toBe(NOW + 5);
  });

  it('a token that lives seconds is kept fresh without being asked for all the time', async () => {
    bench.provider.lifeSeconds = 20;
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    for (let second = 0; second < 60; second++) {
      bench.time.now += 1000;
      await bench.tick();
    }
    expect(asked(alice)).toBeGreaterThanOrEqual(4);
    expect(asked(alice)).toBeLessThanOrEqual(6);
  });

  it('where every token is minted the bare credential is proven alive', async () => {
    const subject = await user(ORDERS, ['orders.read']);
    bench.provider.calls.length = 0;
    bench.time.now += 5 * HOUR;
    await bench.tick();
    expect(asked(subject)).toBe(0);
    bench.time.now += HOUR;
    await bench.tick();
    expect(bench.provider.calls.map(({ target }) => target)).toEqual([{ scope: [] }]);
    expect((await connection(subject))?.dueAt).toBeGreaterThan(bench.time.now + 5 * HOUR);
  });

  it('as often as it is set to, be that every few seconds', async () => {
    const subject = await user(ORDERS, ['orders.read']);
    bench.rules.livenessSeconds = 5;
    const found = await bench.connections.find(subject);
    if (!found) throw new Error('there is no connection');
    await bench.due.put({ subject, dueAt: bench.time.now });
    bench.provider.calls.length = 0;
    for (let second = 0; second < 60; second++) {
      bench.time.now += 1000;
      await bench.tick();
    }
    expect(asked(subject)).toBeGreaterThanOrEqual(11);
    expect(asked(subject)).toBeLessThanOrEqual(14);
  });

  it('several targets of one user are all refreshed', async () => {
    const subject = await user();
    await bench.createGrant({
      subject,
      clientId: 'nightly-report',
      resource: GRAPH,
      scope: ['User.Read'],
      expiresInSeconds: undefined,
      refreshToken: undefined,
      correlationId: 'c',
    });
    bench.provider.calls.length = 0;
    await bench.tick();
    expect(bench.provider.calls.map(({ target }) => target.scope[0]).sort()).toEqual([
      'Mail.Read',
      'User.Read',
    ]);
  });

  it('without a live grant nothing is refreshed any more, and nothing stays in the index', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += 31 * 24 * HOUR;
    await bench.tick();
    expect(asked(alice)).toBe(0);
    expect((await connection(alice))?.state).toBe('active');
    expect((await connection(alice))?.dueAt).toBeUndefined();
    bench.time.now += HOUR;
    expect(await bench.tick()).toBe(0);
  });

  it('after a gap of hours everything due is caught up', async () => {
    const all = await users(10);
    bench.time.now += 9 * HOUR;
    await bench.tick();
    for (const subject of all) expect(asked(subject)).toBe(1);
  });

  it('a failure moves the next try into the index, at its own time', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += HOUR;
    bench.provider.answers(() => failing('x', { status: 503, retryAfterSeconds: 100 }));
    await bench.tick();
    expect((await connection(alice))?.dueAt).toBe(bench.time.now + 100_000);
    bench.time.now += 99_000;
    expect(await bench.tick()).toBe(0);
    bench.provider.answersWell();
    bench.time.now += 1000;
    await bench.tick();
    expect((await tokenOf(alice))?.token?.expiresAt).toBe(bench.time.now + HOUR);
    expect(await bench.failed()).toMatchObject([
      { class: 'transient', cause: 'timer', status: 503 },
      { class: 'recovered', cause: 'timer' },
    ]);
  });

  it('who is dead is not asked about again', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += HOUR;
    bench.provider.answers(() => failing('invalid_grant', { codes: [50173] }));
    await bench.tick();
    expect((await connection(alice))?.state).toBe('dead');
    for (let day = 0; day < 3; day++) {
      bench.time.now += 24 * HOUR;
      await bench.tick();
    }
    // Its own and its predecessor's, each once.
    expect(asked(alice)).toBe(2);
    expect(await bench.failed()).toHaveLength(1);
  });

  it('while the circuit is open nobody is asked about; afterwards all are, and none has failed', async () => {
    const all = await users(5);
    bench.time.now += HOUR;
    bench.provider.answers(() => failing('invalid_client', { status: 401 }));
    await bench.tick();
    expect(bench.provider.calls.length).toBeLessThanOrEqual(all.length);
    bench.provider.answersWell();
    bench.provider.calls.length = 0;
    bench.time.now += 6 * MINUTE;
    await bench.tick();
    bench.time.now += 6 * MINUTE;
    await bench.tick();
    for (const subject of all)
      expect((await tokenOf(subject))?.token?.expiresAt).toBeGreaterThan(bench.time.now);
  });
});
