import { beforeEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../shared/domain/subject.js';
import { type Bench, createBench } from '../support/bench.js';
import { someone } from '../support/samples.js';
import { DOWN } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const tables = withTables();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let bench: Bench;

beforeEach(() => {
  bench = createBench(tables);
});

const { users, asked, connection, tokenOf } = upkeepUsers(() => bench);

describe('one item in trouble', () => {
  it('does not stop the others', async () => {
    const all = await users(6);
    const [unreadable, moved, slow] = all;
    if (!unreadable || !moved || !slow) throw new Error('no users');
    await spoil(unreadable, (value) => ({ ...value, generation: value.generation + 7 }));
    await spoil(moved, ({ refreshToken: _, ...rest }) => rest);
    bench.time.now += HOUR;
    bench.provider.answers((call) =>
      call.refreshToken.startsWith(`rt.${slow.id}.`) ? DOWN : bench.provider.good(call),
    );
    await bench.tick();
    for (const subject of all.slice(3)) {
      expect((await tokenOf(subject))?.token?.expiresAt).toBe(bench.time.now + HOUR);
    }
    const failed = bench.logged.filter((line) => line.startsWith('upkeep of a connection failed'));
    expect(failed).toHaveLength(2);
  });

  it('a provider that hangs for one user does not hold up the others', async () => {
    const all = await users(12);
    const [hung] = all;
    if (!hung) throw new Error('no users');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let good = 0;
    bench.provider.answers(async (call) => {
      if (call.refreshToken.startsWith(`rt.${hung.id}.`)) await held;
      else good++;
      return bench.provider.good(call);
    });
    bench.time.now += HOUR;
    const tick = bench.tick();
    for (let turn = 0; turn < 1000 && good < 11; turn++) await bench.sleep();
    expect(good).toBe(11);
    release();
    await tick;
  });

  it('what a batch has no time left for is begun by nobody, and comes back', async () => {
    const all = await users(20);
    bench.time.now += HOUR;
    bench.provider.answers((call) => {
      bench.time.now += MINUTE;
      return bench.provider.good(call);
    });
    await bench.tick();
    const first = bench.provider.calls.length;
    expect(first).toBeLessThan(all.length);
    bench.provider.answersWell();
    bench.time.now += 6 * MINUTE;
    await bench.tick();
    for (const subject of all) expect(asked(subject)).toBeGreaterThanOrEqual(1);
  });
});

describe('what a crash leaves', () => {
  it('an entry put ahead of a write that never came still does its work', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += 30 * MINUTE;
    await bench.due.put({ subject: alice, dueAt: bench.time.now });
    await bench.tick();
    expect(asked(alice)).toBe(0);
    const dueAt = (await connection(alice))?.dueAt ?? 0;
    bench.time.now = dueAt;
    await bench.tick();
    expect(asked(alice)).toBe(1);
  });

  it('a write that lost its entry is found by any later look', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    const dueAt = (await connection(alice))?.dueAt ?? 0;
    await bench.due.remove({ subject: alice, dueAt });
    bench.time.now = dueAt + MINUTE;
    expect(await bench.tick()).toBe(0);
    await bench.due.put({ subject: alice, dueAt: bench.time.now });
    await bench.tick();
    expect(asked(alice)).toBe(1);
  });

  it('after the entry was put and before the connection was written, the connection is still found', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += HOUR;
    // The first commit is the claim; what came of it is never written.
    bench.rows.connections.fail('commit', Array<'down'>(4).fill('down'), 1);
    await bench.tick();
    expect(await connection(alice)).toMatchObject({ state: 'active', generation: 2 });
    bench.time.now += 5 * MINUTE;
    await bench.tick();
    expect((await tokenOf(alice))?.token?.expiresAt).toBe(bench.time.now + HOUR);
  });

  it('a batch that nobody worked on is handed out again', async () => {
    const all = await users(3);
    bench.time.now += HOUR;
    expect((await bench.findDue()).flat()).toHaveLength(3);
    expect((await bench.findDue()).flat()).toEqual([]);
    bench.time.now += 5 * MINUTE;
    await bench.tick();
    for (const subject of all) expect(asked(subject)).toBe(1);
  });

  it('a batch that is worked on twice refreshes each user once', async () => {
    const all = await users(6);
    bench.time.now += HOUR;
    const [batch = []] = await bench.findDue();
    await Promise.all([bench.workDue(batch), bench.workDue(batch)]);
    await bench.workDue(batch);
    for (const subject of all) expect(asked(subject)).toBe(1);
  });

  it('an item of a user who is gone, ended or dead is dropped', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    await bench.endConnection(alice, 'c');
    await bench.due.put({ subject: alice, dueAt: bench.time.now });
    await bench.due.put({ subject: someone(), dueAt: bench.time.now });
    expect(await bench.tick()).toBe(2);
    bench.time.now += 24 * HOUR;
    expect(await bench.tick()).toBe(0);
    expect(asked(alice)).toBe(0);
  });
});

type Stored = NonNullable<Awaited<ReturnType<typeof connection>>>;

/** Changes a stored connection into one that cannot be worked on. */
async function spoil(subject: Subject, change: (value: Stored) => Stored): Promise<void> {
  const found = await bench.connections.find(subject);
  if (!found) throw new Error('there is no connection');
  await bench.connections.replace(change(found.value), found.etag);
}
