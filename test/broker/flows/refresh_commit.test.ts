import { describe, expect, it } from 'vitest';
import { type Connection, claimMs } from '../../../shared/domain/connection.js';
import { MAIL, USER, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { failing } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());
const HOUR = 3_600_000;
const CLAIM_MS = claimMs('replace-keep-old');

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

  it('storage that stays away is an error; the successor waits in the second place and is back with the next claim', async () => {
    on.bench.rows.connections.fail('commit', ['down', 'down', 'down', 'down'], 1);
    await expect(on.ask()).rejects.toThrow();
    expect(await on.stored()).toMatchObject({ generation: 1, state: 'active' });
    const laid = await on.bench.spill.find(on.alice);
    expect(laid).toMatchObject({ generation: 2 });
    expect(laid?.refreshToken).not.toContain('rt.');
    on.bench.time.now += CLAIM_MS;
    expect((await on.ask()).kind).toBe('fresh');
    expect(spent()).toEqual(['1', '2']);
    expect(await on.stored()).toMatchObject({ generation: 3 });
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
  });

  it('with the second place away too the connection lives, and its predecessor still serves', async () => {
    on.bench.rows.connections.fail('commit', ['down', 'down', 'down', 'down'], 1);
    on.bench.rows.spill.cut();
    await expect(on.ask()).rejects.toThrow();
    expect(on.bench.logged.join()).toContain('can be stored in neither place');
    on.bench.time.now += CLAIM_MS;
    expect((await on.ask()).kind).toBe('fresh');
    expect(spent()).toEqual(['1', '1']);
  });

  it('once it has gone through after all, nothing is left in the second place', async () => {
    on.bench.rows.connections.fail('commit', ['down', 'down'], 1);
    expect((await on.ask()).kind).toBe('fresh');
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
  });

  it('while all goes well the second place is not asked', async () => {
    on.bench.rows.spill.cut();
    for (let count = 0; count < 3; count++) {
      expect((await on.ask({ minTtlSeconds: Number.POSITIVE_INFINITY })).kind).toBe('fresh');
    }
  });

  it('what lies there of an earlier enrolment is not put into a new one', async () => {
    on.bench.rows.connections.fail('commit', ['down', 'down', 'down', 'down'], 1);
    await expect(on.ask()).rejects.toThrow();
    await on.connect(on.alice);
    on.bench.time.now += CLAIM_MS;
    await on.ask();
    expect(spent()).toEqual(['3']);
  });

  it('a plan that cannot be made holds no successor up: it is stored, and looked at again', async () => {
    on.bench.rows.grants.cut();
    expect((await on.ask()).kind).toBe('fresh');
    expect(await on.credential()).toMatch(/\.2$/);
    expect(await on.bench.spill.find(on.alice)).toBeUndefined();
  });

  it('a vault that is away stops the refresh before anything is redeemed', async () => {
    on.bench.keyVault.failWith(503);
    await expect(on.ask()).rejects.toThrow();
    expect(spent()).toEqual([]);
    on.bench.keyVault.work();
    on.bench.time.now += CLAIM_MS;
    expect((await on.ask()).kind).toBe('fresh');
  });
});

/** The numbers of the refresh tokens that were shown to the provider. */
function spent(): readonly string[] {
  return on.bench.provider.calls.map(({ refreshToken }) => refreshToken.split('.')[2] ?? '');
}

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
    expect(await on.bench.audited('circuit.opened')).toMatchObject([{ reason: 'aad: broker_misconfigured' }]);
    expect(await on.bench.audited('circuit.closed')).toMatchObject([{ reason: 'aad: broker_misconfigured' }]);
    expect(await on.bench.failed()).toMatchObject([
      { class: 'broker_misconfigured' },
      { class: 'recovered', recoveredFrom: 'broker_misconfigured' },
    ]);
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

  it('a user who is turned down shows that the registration is not: it is open to all again', async () => {
    const dead = someone('dead');
    await on.connect(dead);
    on.bench.provider.answers(() => refused);
    await on.ask();
    on.bench.time.now += 60_000;
    on.bench.provider.answers(() => failing('invalid_grant', { codes: [50173], suberror: 'bad_token' }));
    expect(await on.ask({ subject: dead })).toEqual({ kind: 'dead' });
    on.bench.provider.answersWell();
    expect((await on.ask()).kind).toBe('fresh');
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

describe('a provider that names a time to everybody', () => {
  it.each([429, 503])(
    'with %i and Retry-After is left alone until then, for every user, and is no fault of ours',
    async (status) => {
      const other = someone('other');
      await on.connect(other);
      on.bench.provider.answers(() => failing('slow_down', { status, retryAfterSeconds: 120 }));
      expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { class: 'transient' } });
      on.bench.provider.answersWell();
      on.bench.time.now += 119_999;
      expect(await on.ask({ subject: other })).toMatchObject({ kind: 'circuit_open' });
      expect(spent()).toHaveLength(1);
      expect(on.bench.logged.join()).not.toContain('refuses the app registration');
      on.bench.time.now += 1;
      expect((await on.ask({ subject: other })).kind).toBe('fresh');
      expect((await on.ask()).kind).toBe('fresh');
    },
  );

  it('one that names none holds off only whom it turned down', async () => {
    const other = someone('other');
    await on.connect(other);
    on.bench.provider.answers(() => failing('slow_down', { status: 503 }));
    await on.ask();
    on.bench.provider.answersWell();
    expect((await on.ask({ subject: other })).kind).toBe('fresh');
  });
});
