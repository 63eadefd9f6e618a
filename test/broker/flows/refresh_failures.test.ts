import { describe, expect, it } from 'vitest';
import { claimMs } from '../../../shared/domain/connection.js';
import { MAIL, USER, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { DOWN, failing, idTokenOf, type ProviderCall } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());
const HOUR = 3_600_000;
const DEAD = { codes: [50173], suberror: 'bad_token' };
const CLAIM_MS = claimMs('replace-keep-old');

describe('a refused refresh token', () => {
  it('is dead: the connection says so, credential and tokens are wiped, and it is on the record', async () => {
    await on.ask({ target: USER });
    on.bench.provider.answers(() => failing('invalid_grant', { ...DEAD, traceId: 't' }));
    expect(await on.ask()).toEqual({ kind: 'dead' });
    const dead = await on.stored();
    expect(dead.state).toBe('dead');
    expect(dead.refreshToken).toBeUndefined();
    expect(dead.previous).toBeUndefined();
    expect(await on.bench.connections.keptTokens(on.alice)).toEqual([]);
    expect(await on.bench.failed()).toMatchObject([
      {
        class: 'grant_dead',
        error: 'invalid_grant',
        codes: [50173],
        traceId: 't',
        attempt: 1,
        cause: 'token',
      },
    ]);
    expect(await on.bench.audited('connection.died')).toHaveLength(1);
    expect(await on.ask({ target: USER })).toEqual({ kind: 'dead' });
    // The one that went well, the one that was refused, and its predecessor, which was no better.
    expect(on.bench.provider.calls.map(({ refreshToken }) => refreshToken.split('.')[2])).toEqual([
      ...['1', '2', '1'],
    ]);
  });

  it('while its predecessor is still honoured: that one is redeemed, and nothing has died', async () => {
    await on.ask({ target: USER });
    on.bench.provider.answers((call) =>
      call.refreshToken.endsWith('.2') ? failing('invalid_grant', DEAD) : on.bench.provider.good(call),
    );
    expect((await on.ask()).kind).toBe('fresh');
    expect(on.bench.provider.calls.map(({ refreshToken }) => refreshToken.split('.')[2])).toEqual([
      ...['1', '2', '1'],
    ]);
    const stored = await on.stored();
    expect(stored).toMatchObject({ state: 'active', generation: 3 });
    expect(stored.previous).toBeUndefined();
    expect(await on.credential()).toMatch(/\.3$/);
    expect(await on.bench.failed()).toEqual([]);
  });

  it('whose predecessor cannot be asked just now is not buried yet', async () => {
    await on.ask({ target: USER });
    on.bench.provider.answers((call) =>
      call.refreshToken.endsWith('.2') ? failing('invalid_grant', DEAD) : DOWN,
    );
    expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { class: 'transient' } });
    on.bench.provider.answers(() => failing('invalid_grant', DEAD));
    on.bench.time.now += HOUR;
    expect(await on.ask()).toEqual({ kind: 'dead' });
  });

  it('whose predecessor has had its day is dead at once, and the predecessor is gone with the next write', async () => {
    await on.ask({ target: USER });
    on.bench.time.now += 24 * HOUR;
    on.bench.provider.answers(() => DOWN);
    await on.ask();
    expect((await on.stored()).previous).toBeUndefined();
    on.bench.provider.answers(() => failing('invalid_grant', DEAD));
    on.bench.time.now += HOUR;
    expect(await on.ask()).toEqual({ kind: 'dead' });
    expect(on.bench.provider.calls.slice(1).map(({ refreshToken }) => refreshToken.split('.')[2])).toEqual([
      ...['2', '2'],
    ]);
  });

  it('after somebody else has rotated it is a lost race, and kills nothing', async () => {
    let during: (() => Promise<unknown>) | undefined = () => {
      on.bench.time.now += CLAIM_MS;
      during = undefined;
      return on.ask({ patienceMs: 0 });
    };
    on.bench.provider.answers(async (call) => {
      if (!during) return on.bench.provider.good(call);
      await during();
      return failing('invalid_grant', { suberror: 'bad_token' });
    });
    expect((await on.ask({ patienceMs: 2 * CLAIM_MS })).kind).toBe('fresh');
    expect(await on.stored()).toMatchObject({ state: 'active', generation: 2 });
    expect(await on.bench.failed()).toEqual([]);
    expect(on.bench.provider.calls).toHaveLength(2);
  });

  it('after the user has connected again kills nothing either', async () => {
    on.bench.provider.answers(async () => {
      on.bench.provider.answersWell();
      await on.connect(on.alice);
      return failing('invalid_grant', { suberror: 'bad_token' });
    });
    expect((await on.ask()).kind).toBe('fresh');
    expect((await on.stored()).state).toBe('active');
  });

  it('after the user has ended the connection does not bring it back', async () => {
    on.bench.provider.answers(async (call) => {
      await on.bench.endConnection(on.alice, 'c');
      return on.bench.provider.good(call);
    });
    expect(await on.ask()).toEqual({ kind: 'absent' });
    const ended = await on.stored();
    expect(ended.state).toBe('ended');
    expect(ended.refreshToken).toBeUndefined();
    expect(await on.bench.connections.keptTokens(on.alice)).toEqual([]);
  });
});

describe('a refresh that needs the user', () => {
  const mfa = failing('invalid_grant', { codes: [50076], suberror: 'basic_action', claims: '{"x":1}' });

  it('keeps the credential, and other resources go on being served', async () => {
    on.bench.provider.answers((call) =>
      call.target.scope[0] === 'Mail.Read' ? mfa : on.bench.provider.good(call),
    );
    expect(await on.ask()).toMatchObject({
      kind: 'failed',
      failure: { class: 'user_action_required', claims: '{"x":1}' },
    });
    expect((await on.ask({ target: USER })).kind).toBe('fresh');
    expect((await on.stored()).state).toBe('active');
  });

  it('is not asked again before its time, by nobody', async () => {
    on.bench.provider.answers(() => mfa);
    await on.ask();
    on.bench.time.now += HOUR - 1;
    expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { count: 1 } });
    expect(on.bench.provider.calls).toHaveLength(1);
    on.bench.time.now += 1;
    expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { count: 2 } });
    expect(await on.bench.failed()).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  });

  it('is forgotten once it has succeeded', async () => {
    on.bench.provider.answers(() => mfa);
    await on.ask();
    on.bench.provider.answersWell();
    on.bench.time.now += HOUR;
    expect((await on.ask()).kind).toBe('fresh');
    expect((await on.bench.connections.keptToken(on.alice, MAIL))?.failure).toBeUndefined();
  });

  it('does not count for a new enrolment: who has signed in again is served at once', async () => {
    on.bench.provider.answers(() => mfa);
    await on.ask();
    on.bench.provider.answersWell();
    await on.connect(on.alice);
    expect((await on.ask()).kind).toBe('fresh');
  });
});

describe('a provider that is away', () => {
  it('backs off, and a token that still lives is served meanwhile', async () => {
    const first = await on.ask();
    on.bench.time.now += HOUR - 9000;
    on.bench.provider.answers(() => DOWN);
    expect(await on.ask()).toEqual(first);
    expect(await on.ask()).toEqual(first);
    expect(on.bench.provider.calls).toHaveLength(2);
    expect((await on.stored()).state).toBe('active');
    on.bench.time.now += 9000;
    expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { class: 'transient' } });
  });

  it('a token with less left than the caller insists on is not passed off as good', async () => {
    await on.ask();
    on.bench.time.now += HOUR / 2;
    on.bench.provider.answers(() => DOWN);
    expect((await on.ask({ minTtlSeconds: 3000, acceptShorter: false })).kind).toBe('failed');
  });

  it('that names its time is left alone until then', async () => {
    on.bench.provider.answers(() => failing('x', { status: 429, retryAfterSeconds: 120 }));
    await on.ask();
    on.bench.time.now += 119_999;
    await on.ask();
    expect(on.bench.provider.calls).toHaveLength(1);
    on.bench.provider.answersWell();
    on.bench.time.now += 1;
    expect((await on.ask()).kind).toBe('fresh');
  });

  it('for days kills nothing: when it is back, everything is', async () => {
    on.bench.provider.answers(() => DOWN);
    for (let hour = 0; hour < 72; hour++) {
      await on.ask();
      on.bench.time.now += HOUR;
    }
    on.bench.provider.answersWell();
    expect((await on.ask()).kind).toBe('fresh');
  });
});

describe('a refresh that brings more than was asked', () => {
  it('is not stored and not handed out where policy has not allowed it; its successor is kept', async () => {
    on.bench.provider.answers((call) => on.bench.provider.good(call, { scope: ['Mail.Read', 'Mail.Send'] }));
    expect(await on.ask()).toMatchObject({
      kind: 'failed',
      failure: { error: 'scope_wider', class: 'broker_misconfigured' },
    });
    expect((await on.bench.connections.keptToken(on.alice, MAIL))?.token).toBeUndefined();
    expect(await on.credential()).toMatch(/\.2$/);
    expect(await on.bench.failed()).toMatchObject([{ error: 'scope_wider', status: 200 }]);
    expect(await on.ask()).toMatchObject({ kind: 'failed' });
    expect(on.bench.provider.calls).toHaveLength(1);
  });

  it('is what policy allows, where it says so, and the audit names what was asked and what came', async () => {
    on.bench.provider.answers((call) => on.bench.provider.good(call, { scope: ['A', 'B'] }));
    const target = { resource: 'https://wide.test', scope: ['A'] };
    expect(await on.ask({ target })).toMatchObject({ kind: 'fresh', token: { scope: ['A', 'B'] } });
    const [event] = await on.bench.audited('connection.refreshed');
    expect(event).toMatchObject({ scope: 'A B', requestedScope: 'A' });
  });

  it('a token of a kind nobody here can use is not handed out as a bearer token', async () => {
    on.bench.provider.answers((call) => on.bench.provider.good(call, { tokenType: 'mac' }));
    expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { error: 'token_type' } });
    on.bench.provider.answers((call) => on.bench.provider.good(call, { tokenType: 'bearer' }));
    on.bench.time.now += 5 * 60_000;
    expect((await on.ask()).kind).toBe('fresh');
  });
});

describe('the first success after failures', () => {
  it('is a row beside theirs and an audit event: from what, since when, how many; and is told once', async () => {
    const since = on.bench.time.now;
    on.bench.provider.answers(() => DOWN);
    await on.ask();
    on.bench.time.now += HOUR;
    on.bench.provider.answers(() => failing('interaction_required', { codes: [50076] }));
    await on.ask();
    on.bench.time.now += HOUR;
    on.bench.provider.answersWell();
    await on.ask();
    const [, , recovered, ...more] = await on.bench.failed();
    expect(more).toEqual([]);
    expect(recovered).toMatchObject({
      class: 'recovered',
      recoveredFrom: 'user_action_required',
      error: 'interaction_required',
      attempt: 2,
      failingSince: since,
      at: since + 2 * HOUR,
    });
    expect(await on.bench.audited('connection.recovered')).toMatchObject([
      { resource: MAIL.resource, reason: 'user_action_required: interaction_required' },
    ]);
    on.bench.time.now += HOUR;
    await on.ask();
    expect(await on.bench.failed()).toHaveLength(3);
  });
});

describe('a refresh that comes back for somebody else', () => {
  it('is never stored, and ends the connection', async () => {
    const mallory = someone('mallory');
    on.bench.provider.answers((call) => on.bench.provider.good(call, { idToken: idTokenOf(mallory) }));
    expect(await on.ask()).toEqual({ kind: 'dead' });
    expect(await on.bench.connections.keptTokens(on.alice)).toEqual([]);
    expect(await on.bench.failed()).toMatchObject([{ error: 'subject_changed', class: 'grant_dead' }]);
  });

  it.each([
    ['names nobody', 'null'],
    ['brings no ID token', undefined],
  ])(
    'one that %s gives nobody a token, but ends nothing: its successor is kept, in case the old one is spent',
    async (_, idToken) => {
      on.bench.provider.answers((call: ProviderCall) => {
        const answer = on.bench.provider.good(call, idToken === undefined ? {} : { idToken });
        if (!answer.ok || idToken !== undefined) return answer;
        const { idToken: __, ...tokens } = answer.tokens;
        return { ok: true, tokens };
      });
      expect(await on.ask()).toMatchObject({ kind: 'failed', failure: { error: 'subject_unproven' } });
      expect(await on.stored()).toMatchObject({ state: 'active', generation: 2 });
      expect(await on.credential()).toMatch(/\.2$/);
      expect((await on.bench.connections.keptToken(on.alice, MAIL))?.token).toBeUndefined();
      on.bench.provider.answersWell();
      on.bench.time.now += 5 * 60_000;
      expect((await on.ask()).kind).toBe('fresh');
    },
  );
});
