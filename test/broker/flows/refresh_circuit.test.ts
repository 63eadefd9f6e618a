import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../shared/domain/connection.js';
import { USER, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { failing } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());
const HOUR = 3_600_000;

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
