import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../shared/domain/connection.js';
import { CLAIM_MS } from '../../../shared/flows/refresh_connection.js';
import { MAIL, USER, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { failing } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());
const HOUR = 3_600_000;

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

describe('an app registration that the provider refuses', () => {
  const refused = failing('invalid_client', { status: 401, codes: [7000222] });
  const withoutClaim = ({ lastAttemptId: _, claim: __, ...rest }: Connection) => rest;

  it('changes nothing of any user, opens the circuit for all, and everybody waits', async () => {
    const users = Array.from({ length: 5 }, () => someone('user'));
    for (const user of users) await on.connect(user);
    const before = await Promise.all(users.map(on.stored));
    on.bench.provider.answers(() => refused);
    const outcomes: string[] = [];
    for (const user of users) outcomes.push((await on.ask({ subject: user })).kind);
    expect(outcomes).toEqual(Array(5).fill('circuit_open'));
    expect(on.bench.provider.calls).toHaveLength(1);
    const after = await Promise.all(users.map(on.stored));
    expect(after.map(withoutClaim)).toEqual(before.map(withoutClaim));
    for (const user of users) expect(await on.bench.connections.keptTokens(user)).toHaveLength(1);
    expect(await on.bench.failed()).toMatchObject([{ class: 'broker_misconfigured', codes: [7000222] }]);
    expect(on.bench.logged.filter((line) => line.startsWith('the provider refuses'))).toHaveLength(1);
  });

  it('while it lasts a token that still lives is served', async () => {
    const first = await on.ask();
    on.bench.time.now += HOUR - 5000;
    on.bench.provider.answers(() => refused);
    expect(await on.ask()).toEqual(first);
    expect(await on.ask({ target: USER })).toMatchObject({ kind: 'circuit_open' });
  });

  it('once mended all recover without anybody doing anything', async () => {
    on.bench.provider.answers(() => refused);
    await on.ask();
    on.bench.provider.answersWell();
    expect((await on.ask()).kind).toBe('circuit_open');
    on.bench.time.now += 60_000;
    expect((await on.ask()).kind).toBe('fresh');
    expect((await on.ask({ target: USER })).kind).toBe('fresh');
    expect(await on.bench.circuits.openUntil('aad')).toBeUndefined();
  });

  it('while it is not mended one call a time tests it, and not everybody at once', async () => {
    const users = Array.from({ length: 8 }, () => someone('user'));
    for (const user of users) await on.connect(user);
    on.bench.provider.answers(() => refused);
    await on.ask();
    on.bench.time.now += 60_000;
    for (const user of users) await on.ask({ subject: user });
    expect(on.bench.provider.calls).toHaveLength(2);
  });

  it('a request it cannot take is of that target alone: no circuit', async () => {
    on.bench.provider.answers((call) =>
      call.target.scope[0] === 'Mail.Read'
        ? failing('invalid_scope', { codes: [70011] })
        : on.bench.provider.good(call),
    );
    expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { class: 'broker_misconfigured' } });
    expect((await on.ask({ target: USER })).kind).toBe('fresh');
  });
});
