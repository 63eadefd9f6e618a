import { beforeEach, describe, expect, it } from 'vitest';
import { createDueIndex } from '../../../shared/adapters/tables/due.js';
import { createFindDue } from '../../../shared/flows/find_due.js';
import { createLanes } from '../../../shared/flows/lanes.js';
import type { DueIndex, DueItem } from '../../../shared/ports.js';
import { memoryTables } from '../support/memory_tables.js';
import { NOW } from '../support/samples.js';

const MINUTE = 60_000;
let now = NOW;
let due: DueIndex;

beforeEach(() => {
  now = NOW;
  due = createDueIndex(memoryTables(() => now).table());
});

function finder(allowanceOf: (provider: string) => number, slowness = 0) {
  return createFindDue({
    due: {
      ...due,
      take: (options) =>
        due.take({
          ...options,
          goOn: () => {
            now += slowness;
            return options.goOn?.() ?? true;
          },
        }),
    },
    heartbeat: { beat: async () => undefined, last: async () => undefined },
    allowanceOf,
    setAsideRow: async () => undefined,
    clock: () => now,
  });
}

async function put(
  provider: string,
  count: number,
  more: { tenant?: string; from?: number } = {},
): Promise<void> {
  const { tenant = 't', from = NOW - MINUTE } = more;
  for (let index = 0; index < count; index++) {
    await due.put({ subject: { provider, tenant, id: `${provider}-${index}` }, dueAt: from + index });
  }
}

const providersOf = (batches: readonly (readonly DueItem[])[]) =>
  batches.map((batch) => [...new Set(batch.map(({ subject }) => subject.provider))]);

describe('a run of the timer', () => {
  it('hands out batches of one provider each, so that one that hangs holds up none but its own', async () => {
    await put('aad', 40);
    await put('google', 40);
    const batches = await finder(() => 1000)();
    expect(batches.flat()).toHaveLength(80);
    expect(providersOf(batches).every((providers) => providers.length === 1)).toBe(true);
  });

  it("a provider's backlog takes no room from the others, however much older it is", async () => {
    await put('aad', 1500, { from: NOW - 60 * MINUTE });
    await put('google', 5);
    const found = (await finder((provider) => (provider === 'aad' ? 100 : 10))()).flat();
    const of = (provider: string) => found.filter(({ subject }) => subject.provider === provider).length;
    expect([of('aad'), of('google')]).toEqual([100, 5]);
  });

  it('makes no message that the queue would refuse, however long the names are', async () => {
    await put('custom', 40, { tenant: `https://${'x'.repeat(1500)}.test` });
    const batches = await finder(() => 1000)();
    expect(batches.flat()).toHaveLength(40);
    for (const batch of batches) {
      const message = Buffer.from(JSON.stringify({ version: 1, items: batch })).toString('base64');
      expect(message.length).toBeLessThan(64 * 1024);
    }
  });

  it('ends within its time and leaves the rest, which the next run takes up', async () => {
    await put('aad', 3500);
    const first = (await finder(() => 10_000, 40_000)()).flat();
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(3500);
    const second = (await finder(() => 10_000)()).flat();
    expect(first.length + second.length).toBe(3500);
    expect(Math.max(...first.map(({ dueAt }) => dueAt))).toBeLessThan(
      Math.min(...second.map(({ dueAt }) => dueAt)),
    );
  });
});

describe('lanes', () => {
  it('let so many run at once and no more, each name for itself, and go on after a failure', async () => {
    const inLane = createLanes(2);
    let running = 0;
    let most = 0;
    let other = false;
    const releases: (() => void)[] = [];
    const work = () =>
      inLane('aad', async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => releases.push(resolve));
        running -= 1;
        throw new Error('it fails');
      });
    const all = [work(), work(), work(), work()].map((each) => each.catch(() => 'failed'));
    await inLane('google', async () => {
      other = true;
    });
    expect(other).toBe(true);
    while (releases.length > 0) {
      releases.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(all)).toEqual(Array(4).fill('failed'));
    expect(most).toBe(2);
  });
});
