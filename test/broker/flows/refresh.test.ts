import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../../shared/domain/connection.js';
import { accessTokenSeal, refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import type { Subject } from '../../../shared/domain/subject.js';
import type { RefreshRequest } from '../../../shared/flows/refresh_connection.js';
import { CLAIM_MS } from '../../../shared/flows/refresh_connection.js';
import { type Bench, createBench } from '../support/bench.js';
import { GRAPH, someone } from '../support/samples.js';
import { DOWN, failing, idTokenOf, type ProviderCall, refreshTokenOf } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const MAIL = { resource: GRAPH, scope: ['Mail.Read'] };
const USER = { resource: GRAPH, scope: ['User.Read'] };
const HOUR = 3_600_000;
let bench: Bench;
let alice: Subject;

beforeEach(async () => {
  bench = createBench(tables);
  alice = someone('alice');
  await connect(alice);
});

async function connect(subject: Subject): Promise<void> {
  await bench.takeOver({ subject, refreshToken: refreshTokenOf(subject), correlationId: 'c' });
  bench.provider.calls.length = 0;
}

function ask(more: Partial<RefreshRequest> = {}) {
  return bench.refresh({
    subject: alice,
    target: MAIL,
    minTtlSeconds: 10,
    acceptShorter: true,
    cause: 'token',
    patienceMs: 15_000,
    ...more,
  });
}

async function stored(subject = alice): Promise<Connection> {
  const found = await bench.connections.find(subject);
  if (!found) throw new Error('there is no connection');
  return found.value;
}

/** The credential as stored, opened. */
async function credential(): Promise<string> {
  const connection = await stored();
  return bench.vault.open(connection.refreshToken ?? '', refreshTokenSeal(connection));
}

describe('a token that is asked for', () => {
  it('is had from the provider, kept sealed, and served from there while it lives', async () => {
    const first = await ask();
    expect(first).toMatchObject({
      kind: 'fresh',
      token: { scope: ['Mail.Read'], expiresAt: bench.time.now + HOUR },
    });
    bench.time.now += HOUR - 10_000;
    expect(await ask()).toEqual(first);
    expect(bench.provider.calls).toHaveLength(1);
    const kept = await bench.connections.keptToken(alice, MAIL);
    if (!kept?.token?.sealed) throw new Error('nothing was kept');
    expect(kept.token.sealed).not.toContain('at.');
    const opened = await bench.vault.open(kept.token.sealed, accessTokenSeal(kept, MAIL));
    expect(first).toMatchObject({ token: { accessToken: opened } });
  });

  it('is refreshed once less than needed is left of it', async () => {
    await ask();
    bench.time.now += HOUR - 9999;
    expect(await ask()).toMatchObject({ kind: 'fresh', token: { expiresAt: bench.time.now + HOUR } });
    expect(bench.provider.calls).toHaveLength(2);
  });

  it('each refresh redeems the successor of the one before', async () => {
    for (let count = 0; count < 3; count++) {
      await ask({ minTtlSeconds: Number.POSITIVE_INFINITY });
    }
    const spent = bench.provider.calls.map(({ refreshToken }) => refreshToken);
    expect(new Set(spent).size).toBe(3);
    expect(spent).not.toContain(await credential());
    expect(await stored()).toMatchObject({ generation: 4, previous: { until: bench.time.now + 24 * HOUR } });
  });

  it('gives the claim back when it is done', async () => {
    await ask();
    expect((await stored()).claim).toBeUndefined();
  });

  it('nobody who never connected is absent; nobody is asked', async () => {
    expect(await ask({ subject: someone() })).toEqual({ kind: 'absent' });
    expect(bench.provider.calls).toEqual([]);
  });

  it('callers cannot force refreshes with a min_ttl no token can have: one a minute at most', async () => {
    for (let second = 0; second < 120; second++) {
      await ask({ minTtlSeconds: 86_400, acceptShorter: false });
      bench.time.now += 1000;
    }
    expect(bench.provider.calls).toHaveLength(2);
  });

  it('a min_ttl that a new token can have is had', async () => {
    await ask();
    bench.time.now += 15 * 60_000;
    await ask({ minTtlSeconds: 3000, acceptShorter: false });
    expect(bench.provider.calls).toHaveLength(2);
  });

  it('for any number of targets leaves a bounded number of rows, the latest among them', async () => {
    for (let index = 0; index < 75; index++) {
      const target = { resource: GRAPH, scope: [`s${index}`] };
      expect((await ask({ target })).kind).toBe('fresh');
      bench.time.now += 1000;
    }
    const kept = await bench.connections.keptTokens(alice);
    expect(kept.length).toBeLessThanOrEqual(60);
    expect(kept.map(({ target }) => target.scope[0])).toContain('s74');
    expect(kept.map(({ target }) => target.scope[0])).not.toContain('s0');
  });
});

describe('many who ask at once', () => {
  it('fifty callers: one call to the provider, and all are served its answer', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => ask()));
    expect(bench.provider.calls).toHaveLength(1);
    const tokens = new Set(outcomes.map((outcome) => JSON.stringify(outcome)));
    expect([...tokens]).toHaveLength(1);
    expect(outcomes[0]?.kind).toBe('fresh');
    expect(await bench.audited('connection.refreshed')).toHaveLength(1);
  });

  it('who cannot wait is told it is busy, and the provider is not asked twice', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    bench.provider.answers(async (call) => {
      await held;
      return bench.provider.good(call);
    });
    const first = ask();
    await until(() => bench.provider.calls.length === 1);
    expect(await ask({ patienceMs: 0 })).toEqual({ kind: 'busy' });
    release();
    expect((await first).kind).toBe('fresh');
    expect(bench.provider.calls).toHaveLength(1);
  });

  it('an abandoned claim is taken over once its time is up, and its late holder is fenced out', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let count = 0;
    bench.provider.answers(async (call) => {
      if (++count === 1) await held;
      return bench.provider.good(call, { accessToken: `attempt ${count}` });
    });
    const late = ask({ patienceMs: 0 });
    await until(() => count === 1);
    expect(await ask({ patienceMs: 0 })).toEqual({ kind: 'busy' });
    bench.time.now += CLAIM_MS;
    const second = await ask({ patienceMs: 0 });
    expect(second).toMatchObject({ kind: 'fresh', token: { accessToken: 'attempt 2' } });
    const after = await stored();
    release();
    expect(await late).toEqual({ kind: 'busy' });
    expect(await stored()).toEqual(after);
    expect(await ask()).toEqual(second);
  });
});

describe('a commit of which nobody knows whether it was applied', () => {
  // The first commit of an attempt is its claim, the second what came of it.
  it.each([
    ['applied but reported as a conflict', ['applied_but_conflict']],
    ['applied but without an answer', ['applied_but_down']],
    ['not applied at first', ['down']],
    ['not applied twice, then applied without an answer', ['down', 'down', 'applied_but_down']],
  ] as const)('%s: the successor is kept, once', async (_, faults) => {
    bench.rows.connections.fail('commit', faults, 1);
    const outcome = await ask();
    expect(outcome.kind).toBe('fresh');
    expect(bench.provider.calls).toHaveLength(1);
    expect(await stored()).toMatchObject({ generation: 2, state: 'active' });
    expect(await credential()).toMatch(/\.2$/);
    expect(await ask()).toEqual(outcome);
    expect(await bench.failed()).toEqual([]);
  });

  it('a claim that was applied but reported as a conflict is ours', async () => {
    bench.rows.connections.fail('commit', ['applied_but_conflict']);
    expect((await ask()).kind).toBe('fresh');
    expect(bench.provider.calls).toHaveLength(1);
  });

  it('storage that stays away is an error; the connection lives and its predecessor still serves', async () => {
    bench.rows.connections.fail('commit', ['down', 'down', 'down', 'down'], 1);
    await expect(ask()).rejects.toThrow();
    expect(await stored()).toMatchObject({ generation: 1, state: 'active' });
    bench.time.now += CLAIM_MS;
    expect((await ask()).kind).toBe('fresh');
    expect(bench.provider.calls.map(({ refreshToken }) => refreshToken)).toEqual(
      Array(2).fill(bench.provider.calls[0]?.refreshToken),
    );
  });
});

describe('a refused refresh token', () => {
  it('is dead: the connection says so, credential and tokens are wiped, and it is on the record', async () => {
    await ask({ target: USER });
    bench.provider.answers(() =>
      failing('invalid_grant', { codes: [50173], suberror: 'bad_token', traceId: 't' }),
    );
    expect(await ask()).toEqual({ kind: 'dead' });
    const dead = await stored();
    expect(dead.state).toBe('dead');
    expect(dead.refreshToken).toBeUndefined();
    expect(dead.previous).toBeUndefined();
    expect(await bench.connections.keptTokens(alice)).toEqual([]);
    expect(await bench.failed()).toMatchObject([
      {
        class: 'grant_dead',
        error: 'invalid_grant',
        codes: [50173],
        traceId: 't',
        attempt: 1,
        cause: 'token',
      },
    ]);
    expect(await bench.audited('connection.died')).toHaveLength(1);
    expect(await ask({ target: USER })).toEqual({ kind: 'dead' });
    expect(bench.provider.calls).toHaveLength(2);
  });

  it('after somebody else has rotated it is a lost race, and kills nothing', async () => {
    let during: (() => Promise<unknown>) | undefined = () => {
      bench.time.now += CLAIM_MS;
      during = undefined;
      return ask({ patienceMs: 0 });
    };
    bench.provider.answers(async (call) => {
      if (!during) return bench.provider.good(call);
      await during();
      return failing('invalid_grant', { suberror: 'bad_token' });
    });
    expect((await ask({ patienceMs: 2 * CLAIM_MS })).kind).toBe('fresh');
    expect(await stored()).toMatchObject({ state: 'active', generation: 2 });
    expect(await bench.failed()).toEqual([]);
    expect(bench.provider.calls).toHaveLength(2);
  });

  it('after the user has connected again kills nothing either', async () => {
    bench.provider.answers(async () => {
      bench.provider.answersWell();
      await connect(alice);
      return failing('invalid_grant', { suberror: 'bad_token' });
    });
    expect((await ask()).kind).toBe('fresh');
    expect((await stored()).state).toBe('active');
  });

  it('after the user has ended the connection does not bring it back', async () => {
    bench.provider.answers(async (call) => {
      await bench.endConnection(alice, 'c');
      return bench.provider.good(call);
    });
    expect(await ask()).toEqual({ kind: 'absent' });
    const ended = await stored();
    expect(ended.state).toBe('ended');
    expect(ended.refreshToken).toBeUndefined();
    expect(await bench.connections.keptTokens(alice)).toEqual([]);
  });
});

describe('a refresh that needs the user', () => {
  const mfa = failing('invalid_grant', { codes: [50076], suberror: 'basic_action', claims: '{"x":1}' });

  it('keeps the credential, and other resources go on being served', async () => {
    bench.provider.answers((call) =>
      call.target.scope[0] === 'Mail.Read' ? mfa : bench.provider.good(call),
    );
    expect(await ask()).toMatchObject({
      kind: 'failed',
      failure: { class: 'user_action_required', claims: '{"x":1}' },
    });
    expect((await ask({ target: USER })).kind).toBe('fresh');
    expect((await stored()).state).toBe('active');
  });

  it('is not asked again before its time, by nobody', async () => {
    bench.provider.answers(() => mfa);
    await ask();
    bench.time.now += HOUR - 1;
    expect(await ask()).toMatchObject({ kind: 'failed', failure: { count: 1 } });
    expect(bench.provider.calls).toHaveLength(1);
    bench.time.now += 1;
    expect(await ask()).toMatchObject({ kind: 'failed', failure: { count: 2 } });
    expect(await bench.failed()).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  });

  it('is forgotten once it has succeeded', async () => {
    bench.provider.answers(() => mfa);
    await ask();
    bench.provider.answersWell();
    bench.time.now += HOUR;
    expect((await ask()).kind).toBe('fresh');
    expect((await bench.connections.keptToken(alice, MAIL))?.failure).toBeUndefined();
  });

  it('does not count for a new enrolment: who has signed in again is served at once', async () => {
    bench.provider.answers(() => mfa);
    await ask();
    bench.provider.answersWell();
    await connect(alice);
    expect((await ask()).kind).toBe('fresh');
  });
});

describe('a provider that is away', () => {
  it('backs off, and a token that still lives is served meanwhile', async () => {
    const first = await ask();
    bench.time.now += HOUR - 9000;
    bench.provider.answers(() => DOWN);
    expect(await ask()).toEqual(first);
    expect(await ask()).toEqual(first);
    expect(bench.provider.calls).toHaveLength(2);
    expect((await stored()).state).toBe('active');
    bench.time.now += 9000;
    expect(await ask()).toMatchObject({ kind: 'failed', failure: { class: 'transient' } });
  });

  it('a token with less left than the caller insists on is not passed off as good', async () => {
    await ask();
    bench.time.now += HOUR / 2;
    bench.provider.answers(() => DOWN);
    expect((await ask({ minTtlSeconds: 3000, acceptShorter: false })).kind).toBe('failed');
  });

  it('that names its time is left alone until then', async () => {
    bench.provider.answers(() => failing('x', { status: 429, retryAfterSeconds: 120 }));
    await ask();
    bench.time.now += 119_999;
    await ask();
    expect(bench.provider.calls).toHaveLength(1);
    bench.provider.answersWell();
    bench.time.now += 1;
    expect((await ask()).kind).toBe('fresh');
  });

  it('for days kills nothing: when it is back, everything is', async () => {
    bench.provider.answers(() => DOWN);
    for (let hour = 0; hour < 72; hour++) {
      await ask();
      bench.time.now += HOUR;
    }
    bench.provider.answersWell();
    expect((await ask()).kind).toBe('fresh');
  });
});

describe('a refresh that comes back for somebody else', () => {
  it('is never stored, and ends the connection', async () => {
    const mallory = someone('mallory');
    bench.provider.answers((call) => bench.provider.good(call, { idToken: idTokenOf(mallory) }));
    expect(await ask()).toEqual({ kind: 'dead' });
    expect(await bench.connections.keptTokens(alice)).toEqual([]);
    expect(await bench.failed()).toMatchObject([{ error: 'subject_changed', class: 'grant_dead' }]);
  });

  it.each([
    ['names nobody', 'null'],
    ['brings no ID token', undefined],
  ])('one that %s is not stored either, but ends nothing', async (_, idToken) => {
    bench.provider.answers((call: ProviderCall) => {
      const answer = bench.provider.good(call, idToken === undefined ? {} : { idToken });
      if (!answer.ok || idToken !== undefined) return answer;
      const { idToken: __, ...tokens } = answer.tokens;
      return { ok: true, tokens };
    });
    expect(await ask()).toMatchObject({ kind: 'failed', failure: { error: 'subject_unproven' } });
    expect(await stored()).toMatchObject({ state: 'active', generation: 1 });
    expect((await bench.connections.keptToken(alice, MAIL))?.token).toBeUndefined();
    bench.provider.answersWell();
    bench.time.now += 5 * 60_000;
    expect((await ask()).kind).toBe('fresh');
  });
});

describe('an app registration that the provider refuses', () => {
  const refused = failing('invalid_client', { status: 401, codes: [7000222] });
  const withoutClaim = ({ lastAttemptId: _, claim: __, ...rest }: Connection) => rest;

  it('changes nothing of any user, opens the circuit for all, and everybody waits', async () => {
    const users = Array.from({ length: 5 }, () => someone('user'));
    for (const user of users) await connect(user);
    const before = await Promise.all(users.map(stored));
    bench.provider.answers(() => refused);
    const outcomes: string[] = [];
    for (const user of users) outcomes.push((await ask({ subject: user })).kind);
    expect(outcomes).toEqual(Array(5).fill('circuit_open'));
    expect(bench.provider.calls).toHaveLength(1);
    const after = await Promise.all(users.map(stored));
    expect(after.map(withoutClaim)).toEqual(before.map(withoutClaim));
    for (const user of users) expect(await bench.connections.keptTokens(user)).toHaveLength(1);
    expect(await bench.failed()).toMatchObject([{ class: 'broker_misconfigured', codes: [7000222] }]);
    expect(bench.logged.filter((line) => line.startsWith('the provider refuses'))).toHaveLength(1);
  });

  it('while it lasts a token that still lives is served', async () => {
    const first = await ask();
    bench.time.now += HOUR - 5000;
    bench.provider.answers(() => refused);
    expect(await ask()).toEqual(first);
    expect(await ask({ target: USER })).toMatchObject({ kind: 'circuit_open' });
  });

  it('once mended all recover without anybody doing anything', async () => {
    bench.provider.answers(() => refused);
    await ask();
    bench.provider.answersWell();
    expect((await ask()).kind).toBe('circuit_open');
    bench.time.now += 60_000;
    expect((await ask()).kind).toBe('fresh');
    expect((await ask({ target: USER })).kind).toBe('fresh');
    expect(await bench.circuits.openUntil('aad')).toBeUndefined();
  });

  it('while it is not mended one call a time tests it, and not everybody at once', async () => {
    const users = Array.from({ length: 8 }, () => someone('user'));
    for (const user of users) await connect(user);
    bench.provider.answers(() => refused);
    await ask();
    bench.time.now += 60_000;
    for (const user of users) await ask({ subject: user });
    expect(bench.provider.calls).toHaveLength(2);
  });

  it('a request it cannot take is of that target alone: no circuit', async () => {
    bench.provider.answers((call) =>
      call.target.scope[0] === 'Mail.Read'
        ? failing('invalid_scope', { codes: [70011] })
        : bench.provider.good(call),
    );
    expect(await ask()).toMatchObject({ kind: 'failed', failure: { class: 'broker_misconfigured' } });
    expect((await ask({ target: USER })).kind).toBe('fresh');
  });
});

describe('what cannot be read', () => {
  it('a credential that does not open is an error, never an answer', async () => {
    const found = await bench.connections.find(alice);
    if (!found) throw new Error('there is no connection');
    await bench.connections.replace({ ...found.value, generation: 7 }, found.etag);
    await expect(ask()).rejects.toThrow('does not open');
    expect(bench.provider.calls).toEqual([]);
    expect((await stored()).state).toBe('active');
  });

  it("a kept token moved from another user's row does not open", async () => {
    const mallory = someone('mallory');
    await connect(mallory);
    await ask();
    const stolen = await bench.connections.keptToken(alice, MAIL);
    const found = await bench.connections.find(mallory);
    if (!stolen || !found) throw new Error('nothing was kept');
    const { enrolment, generation } = found.value;
    const moved = { ...stolen, subject: mallory, enrolment, generation };
    await bench.connections.replace(found.value, found.etag, { keep: [moved] });
    await expect(ask({ subject: mallory })).rejects.toThrow('does not open');
  });
});

/** Lets the others run until something holds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !holds(); turn++) await bench.sleep();
  expect(holds()).toBe(true);
}
