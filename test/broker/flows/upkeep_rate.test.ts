import { beforeEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../shared/domain/subject.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { GRAPH } from '../support/samples.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const tables = memoryTables(() => bench.time.now);
const HOUR = 3_600_000;
const WINDOW = 10_000;
let bench: Bench;

beforeEach(() => {
  bench = createBench(tables);
});

const { users, asked, connection } = upkeepUsers(() => bench);

/** A refresh that somebody waits for. */
const askedFor = (subject: Subject) =>
  bench.refresh({
    subject,
    target: { resource: GRAPH, scope: ['Mail.Read'] },
    minTtlSeconds: Number.POSITIVE_INFINITY,
    acceptShorter: false,
    cause: 'token',
    patienceMs: 0,
  });

describe("a provider's rate", () => {
  it('bounds what the timer asks in every window; what finds no room comes later, and nobody is lost', async () => {
    const all = await users(24);
    bench.rates.preset = 1;
    bench.time.now += HOUR;
    let before = 0;
    for (let window = 0; window < 12 && bench.provider.calls.length < all.length; window++) {
      await bench.tick();
      expect(bench.provider.calls.length - before).toBeLessThanOrEqual(8);
      before = bench.provider.calls.length;
      bench.time.now += WINDOW;
    }
    for (const subject of all) expect(asked(subject)).toBe(1);
  });

  it('is for those who wait for a token first: the timer gets what they leave', async () => {
    const [waiting, ...rest] = await users(8);
    if (!waiting) throw new Error('no user');
    bench.rates.preset = 1;
    bench.time.now += HOUR;
    for (let call = 0; call < 8; call++) {
      expect((await askedFor(waiting)).kind).toBe('fresh');
    }
    await bench.tick();
    const byTimer = rest.reduce((sum, subject) => sum + asked(subject), 0);
    expect(byTimer).toBe(2);
  });

  it('never turns away who waits for a token', async () => {
    const [waiting] = await users(1);
    if (!waiting) throw new Error('no user');
    bench.rates.preset = 1;
    for (let call = 0; call < 15; call++) {
      expect((await askedFor(waiting)).kind).toBe('fresh');
    }
  });

  it('a run hands out no more than may be asked until the next; that one goes on with the oldest', async () => {
    const all = await users(20);
    bench.rates.preset = 1;
    bench.rates.periodSeconds = 10;
    bench.time.now += HOUR;
    const dueAt = new Map<string, number>();
    for (const subject of all) dueAt.set(subject.id, (await connection(subject))?.dueAt ?? 0);
    const runs = [];
    for (let run = 0; run < 3; run++) runs.push((await bench.findDue()).flat());
    expect(runs.map((run) => run.length)).toEqual([8, 8, 4]);
    const order = runs.flat().map(({ subject }) => dueAt.get(subject.id) ?? 0);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});
