import { describe, expect, it } from 'vitest';
import { claimMs } from '../../../shared/domain/connection.js';
import { createSweepSpill } from '../../../shared/flows/sweep_spill.js';
import { withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());
const DAY = 86_400_000;
const sweep = () => createSweepSpill(on.bench)();

/** A successor that was redeemed and could not be stored: nothing of it but what lies in the second place. */
async function strand(): Promise<void> {
  on.bench.rows.connections.fail('commit', ['down', 'down', 'down', 'down'], 1);
  await expect(on.ask()).rejects.toThrow();
}

describe('sweeping the second place', () => {
  it('puts back a successor whose connection waits for it, once no claim holds', async () => {
    await strand();
    await sweep();
    expect(await on.stored()).toMatchObject({ generation: 1 });
    on.bench.time.now += claimMs('replace-keep-old');
    await sweep();
    expect(await on.stored()).toMatchObject({ generation: 2 });
    expect(await on.credential()).toMatch(/\.2$/);
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
    expect((await on.ask()).kind).toBe('fresh');
  });

  it('removes what the user has ended: the credential is nowhere any more', async () => {
    await strand();
    await on.bench.endConnection(on.alice, 'c');
    await sweep();
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
    expect((await on.stored()).state).toBe('ended');
  });

  it('removes what another enrolment has overtaken, what was stored since, and what nobody came for in 30 days', async () => {
    await strand();
    await on.connect(on.alice);
    await sweep();
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
    const { enrolment, generation } = await on.stored();
    const item = {
      subject: on.alice,
      enrolment,
      generation,
      refreshToken: 'sealed',
      spilledAt: on.bench.time.now,
    };
    await on.bench.spill.put(item);
    await sweep();
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
    await on.bench.spill.put({
      ...item,
      generation: generation + 1,
      spilledAt: on.bench.time.now - 31 * DAY,
    });
    await sweep();
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
    expect(await on.stored()).toMatchObject({ generation });
  });

  it("one item's trouble does not stop the others", async () => {
    const [first, second] = [someone('first'), someone('second')];
    const item = { enrolment: 'e', generation: 9, refreshToken: 'sealed', spilledAt: on.bench.time.now };
    for (const subject of [first, second]) await on.bench.spill.put({ ...item, subject });
    on.bench.rows.spill.fail('remove', ['down']);
    await sweep();
    const left = await on.bench.spill.list({ limit: 10 });
    expect(left.items).toHaveLength(1);
    expect(on.bench.logged.join()).toContain('could not be looked after');
  });

  it('a row that cannot be read, as a later version leaves it, stays, is told of, and stops nobody', async () => {
    await strand();
    const { spill } = on.bench.rows;
    for (const partitionKey of ['-', '~']) {
      await spill.insert({ partitionKey, rowKey: 'successor', schema: 99 });
    }
    on.bench.time.now += claimMs('replace-keep-old');
    await sweep();
    expect(await on.stored()).toMatchObject({ generation: 2 });
    expect((await spill.all('')).map(({ row }) => row.schema)).toEqual([99, 99]);
    expect(on.bench.logged.join()).toContain('cannot be read');
  });
});
