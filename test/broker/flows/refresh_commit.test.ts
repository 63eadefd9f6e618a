import { describe, expect, it } from 'vitest';
import { CLAIM_MS } from '../../../shared/flows/refresh_connection.js';
import { MAIL, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());

describe('a commit of which nobody knows whether it was applied', () => {
  // The first commit of an attempt is its claim, the second what came of it.
  it.each([
    ['applied but reported as a conflict', ['applied_but_conflict']],
    ['applied but without an answer', ['applied_but_down']],
    ['not applied at first', ['down']],
    ['not applied twice, then applied without an answer', ['down', 'down', 'applied_but_down']],
  ] as const)('%s: the successor is kept, once', async (_, faults) => {
    on.bench.rows.connections.fail('commit', faults, 1);
    const outcome = await on.ask();
    expect(outcome.kind).toBe('fresh');
    expect(on.bench.provider.calls).toHaveLength(1);
    expect(await on.stored()).toMatchObject({ generation: 2, state: 'active' });
    expect(await on.credential()).toMatch(/\.2$/);
    expect(await on.ask()).toEqual(outcome);
    expect(await on.bench.failed()).toEqual([]);
  });

  it('a claim that was applied but reported as a conflict is ours', async () => {
    on.bench.rows.connections.fail('commit', ['applied_but_conflict']);
    expect((await on.ask()).kind).toBe('fresh');
    expect(on.bench.provider.calls).toHaveLength(1);
  });

  it('storage that stays away is an error; the connection lives and its predecessor still serves', async () => {
    on.bench.rows.connections.fail('commit', ['down', 'down', 'down', 'down'], 1);
    await expect(on.ask()).rejects.toThrow();
    expect(await on.stored()).toMatchObject({ generation: 1, state: 'active' });
    on.bench.time.now += CLAIM_MS;
    expect((await on.ask()).kind).toBe('fresh');
    expect(on.bench.provider.calls.map(({ refreshToken }) => refreshToken)).toEqual(
      Array(2).fill(on.bench.provider.calls[0]?.refreshToken),
    );
  });
});

describe('what cannot be read', () => {
  it('a credential that does not open is an error, never an answer', async () => {
    const found = await on.bench.connections.find(on.alice);
    if (!found) throw new Error('there is no connection');
    await on.bench.connections.replace({ ...found.value, generation: 7 }, found.etag);
    await expect(on.ask()).rejects.toThrow('does not open');
    expect(on.bench.provider.calls).toEqual([]);
    expect((await on.stored()).state).toBe('active');
  });

  it("a kept token moved from another user's row does not open", async () => {
    const mallory = someone('mallory');
    await on.connect(mallory);
    await on.ask();
    const stolen = await on.bench.connections.keptToken(on.alice, MAIL);
    const found = await on.bench.connections.find(mallory);
    if (!stolen || !found) throw new Error('nothing was kept');
    const { enrolment, generation } = found.value;
    const moved = { ...stolen, subject: mallory, enrolment, generation };
    await on.bench.connections.replace(found.value, found.etag, { keep: [moved] });
    await expect(on.ask({ subject: mallory })).rejects.toThrow('does not open');
  });
});
