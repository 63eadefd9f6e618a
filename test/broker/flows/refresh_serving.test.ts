import { describe, expect, it } from 'vitest';
import { claimMs } from '../../../shared/domain/connection.js';
import { accessTokenSeal } from '../../../shared/domain/seal_context.js';
import { MAIL, withRefreshing } from '../support/refreshing.js';
import { GRAPH, someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());
const HOUR = 3_600_000;
const CLAIM_MS = claimMs('replace-keep-old');

describe('a token that is asked for', () => {
  it('is had from the provider, kept sealed, and served from there while it lives', async () => {
    const first = await on.ask();
    expect(first).toMatchObject({
      kind: 'fresh',
      token: { scope: ['Mail.Read'], expiresAt: on.bench.time.now + HOUR },
    });
    on.bench.time.now += HOUR - 10_000;
    expect(await on.ask()).toEqual(first);
    expect(on.bench.provider.calls).toHaveLength(1);
    const kept = await on.bench.connections.keptToken(on.alice, MAIL);
    if (!kept?.token?.sealed) throw new Error('nothing was kept');
    expect(kept.token.sealed).not.toContain('at.');
    const opened = await on.bench.vault.open(kept.token.sealed, accessTokenSeal(kept, MAIL));
    expect(first).toMatchObject({ token: { accessToken: opened } });
  });

  it('is refreshed once less than needed is left of it', async () => {
    await on.ask();
    on.bench.time.now += HOUR - 9999;
    expect(await on.ask()).toMatchObject({ kind: 'fresh', token: { expiresAt: on.bench.time.now + HOUR } });
    expect(on.bench.provider.calls).toHaveLength(2);
  });

  it('each refresh redeems the successor of the one before', async () => {
    for (let count = 0; count < 3; count++) {
      await on.ask({ minTtlSeconds: Number.POSITIVE_INFINITY });
    }
    const spent = on.bench.provider.calls.map(({ refreshToken }) => refreshToken);
    expect(new Set(spent).size).toBe(3);
    expect(spent).not.toContain(await on.credential());
    expect(await on.stored()).toMatchObject({
      generation: 4,
      previous: { until: on.bench.time.now + 24 * HOUR },
    });
  });

  it('gives the claim back when it is done', async () => {
    await on.ask();
    expect((await on.stored()).claim).toBeUndefined();
  });

  it('nobody who never connected is absent; nobody is asked', async () => {
    expect(await on.ask({ subject: someone() })).toEqual({ kind: 'absent' });
    expect(on.bench.provider.calls).toEqual([]);
  });

  it('callers cannot force refreshes with a min_ttl no token can have: one a minute at most', async () => {
    for (let second = 0; second < 120; second++) {
      await on.ask({ minTtlSeconds: 86_400, acceptShorter: false });
      on.bench.time.now += 1000;
    }
    expect(on.bench.provider.calls).toHaveLength(2);
  });

  it('a min_ttl that a new token can have is had', async () => {
    await on.ask();
    on.bench.time.now += 15 * 60_000;
    await on.ask({ minTtlSeconds: 3000, acceptShorter: false });
    expect(on.bench.provider.calls).toHaveLength(2);
  });

  it('for any number of targets leaves a bounded number of rows, the latest among them', async () => {
    for (let index = 0; index < 75; index++) {
      const target = { resource: GRAPH, scope: [`s${index}`] };
      expect((await on.ask({ target })).kind).toBe('fresh');
      on.bench.time.now += 1000;
    }
    const kept = await on.bench.connections.keptTokens(on.alice);
    expect(kept.length).toBeLessThanOrEqual(60);
    expect(kept.map(({ target }) => target.scope[0])).toContain('s74');
    expect(kept.map(({ target }) => target.scope[0])).not.toContain('s0');
  });
});

describe('many who ask at once', () => {
  it('fifty callers: one call to the provider, and all are served its answer', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => on.ask()));
    expect(on.bench.provider.calls).toHaveLength(1);
    const tokens = new Set(outcomes.map((outcome) => JSON.stringify(outcome)));
    expect([...tokens]).toHaveLength(1);
    expect(outcomes[0]?.kind).toBe('fresh');
    expect(await on.bench.audited('connection.refreshed')).toHaveLength(1);
  });

  it.each([
    ['a token request', 10, MAIL],
    ['the timer', Number.POSITIVE_INFINITY, MAIL],
    ['the timer for a bare credential', Number.POSITIVE_INFINITY, { scope: [] }],
  ])(
    '%s that read the token before and the connection after another refresh does not ask again',
    async (_, minTtlSeconds, target) => {
      on.bench.time.now += 3_600_000;
      let go = () => {};
      on.bench.rows.connections.holdRead('connection', new Promise<void>((resolve) => (go = resolve)));
      const asked = { minTtlSeconds, target, hadSince: on.bench.time.now };
      const slow = on.ask(asked);
      await on.bench.sleep();
      const quick = await on.ask(asked);
      go();
      expect(await slow).toEqual(quick);
      expect(on.bench.provider.calls).toHaveLength(1);
    },
  );

  it('who cannot wait is told it is busy, and the provider is not asked twice', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    on.bench.provider.answers(async (call) => {
      await held;
      return on.bench.provider.good(call);
    });
    const first = on.ask();
    await on.until(() => on.bench.provider.calls.length === 1);
    expect(await on.ask({ patienceMs: 0 })).toEqual({ kind: 'busy' });
    release();
    expect((await first).kind).toBe('fresh');
    expect(on.bench.provider.calls).toHaveLength(1);
  });

  it('an abandoned claim is taken over once its time is up, and its late holder is fenced out', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let count = 0;
    on.bench.provider.answers(async (call) => {
      if (++count === 1) await held;
      return on.bench.provider.good(call, { accessToken: `attempt ${count}` });
    });
    const late = on.ask({ patienceMs: 0 });
    await on.until(() => count === 1);
    expect(await on.ask({ patienceMs: 0 })).toEqual({ kind: 'busy' });
    on.bench.time.now += CLAIM_MS;
    const second = await on.ask({ patienceMs: 0 });
    expect(second).toMatchObject({ kind: 'fresh', token: { accessToken: 'attempt 2' } });
    const after = await on.stored();
    release();
    expect(await late).toEqual({ kind: 'busy' });
    expect(await on.stored()).toEqual(after);
    expect(await on.ask()).toEqual(second);
  });
});
