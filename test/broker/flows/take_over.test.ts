import { describe, expect, it } from 'vitest';
import { refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import { subjectName } from '../../../shared/domain/subject.js';
import { createBench } from '../support/bench.js';
import { refusalOf } from '../support/refusals.js';
import { GRAPH, NOW, ORDERS, someone } from '../support/samples.js';
import { DOWN, failing, idTokenOf, refreshTokenOf } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const tables = withTables();

function setUp() {
  const bench = createBench(tables);
  const alice = someone('alice');
  const request = (refreshToken: string | undefined = refreshTokenOf(alice)) => ({
    subject: alice,
    refreshToken,
    correlationId: 'c-1',
  });
  const stored = async () => (await bench.connections.find(alice))?.value;
  return { bench, alice, request, stored };
}

describe('taking over a credential', () => {
  it('proves it by using it once, and keeps the successor, sealed', async () => {
    const { bench, alice, request, stored } = setUp();
    const { connection, created } = await bench.takeOver(request());
    expect(created).toBe(true);
    expect(bench.provider.calls).toEqual([{ refreshToken: refreshTokenOf(alice), target: { scope: [] } }]);
    expect(await stored()).toEqual(connection);
    const sealed = connection.refreshToken ?? '';
    expect(sealed).not.toContain('rt.');
    expect(await bench.vault.open(sealed, refreshTokenSeal(connection))).toMatch(/^rt\.alice-\d+\.1$/);
  });

  it('keeps the credential itself where the provider gives no successor', async () => {
    const { bench, alice, request, stored } = setUp();
    bench.provider.answers((call) => {
      const answer = bench.provider.good(call);
      if (!answer.ok) return answer;
      const { refreshToken: _, ...tokens } = answer.tokens;
      return { ok: true, tokens };
    });
    const { connection } = await bench.takeOver(request());
    const sealed = (await stored())?.refreshToken ?? '';
    expect(await bench.vault.open(sealed, refreshTokenSeal(connection))).toBe(refreshTokenOf(alice));
  });

  it('is on the audit once, with who and in which request', async () => {
    const { bench, alice, request } = setUp();
    await bench.takeOver(request());
    const [event, ...more] = await bench.audited('connection.created');
    expect(event).toMatchObject({ subject: subjectName(alice), correlationId: 'c-1' });
    expect(more).toEqual([]);
  });

  it('without grants keeps nothing fresh: there is nothing due', async () => {
    const { bench, request, stored } = setUp();
    await bench.takeOver(request());
    expect((await stored())?.dueAt).toBeUndefined();
    bench.time.now += 30 * 86_400_000;
    expect(await bench.tick()).toBe(0);
  });
});

describe('what is not taken over leaves nothing behind', () => {
  async function refused(prepare: (of: ReturnType<typeof setUp>) => string | undefined) {
    const all = setUp();
    const token = prepare(all);
    const refusal = await refusalOf(() => all.bench.takeOver({ ...all.request(), refreshToken: token }));
    expect(await all.stored()).toBeUndefined();
    expect(await all.bench.audited('connection.created')).toEqual([]);
    return { refusal, ...all };
  }

  it('no refresh token: refresh_token_missing says what to configure, and the provider is not asked', async () => {
    const { refusal, bench } = await refused(() => undefined);
    expect(refusal).toMatchObject({ code: 'refresh_token_missing', status: 422 });
    expect(refusal.description).toContain('offline_access');
    expect(bench.provider.calls).toEqual([]);
  });

  it.each([
    ['invalid_grant', { suberror: 'bad_token' }],
    ['invalid_grant', { codes: [50173] }],
    ['invalid_grant', { codes: [70000] }],
    ['invalid_grant', { codes: [9002313] }],
    ['invalid_grant', {}],
    ['interaction_required', { codes: [50076] }],
  ])('%s %j: credential_rejected', async (error, more) => {
    const { refusal } = await refused(({ bench, alice }) => {
      bench.provider.answers(() => failing(error, more));
      return refreshTokenOf(alice);
    });
    expect(refusal).toMatchObject({ code: 'credential_rejected', status: 422 });
    expect(refusal.reason).toContain(error);
  });

  it.each([
    ['no answer', DOWN, 30],
    ['too many', failing('x', { status: 429, retryAfterSeconds: 7 }), 7],
    ['an outage', failing('x', { status: 503 }), 30],
    ['throttling of this user', failing('invalid_grant', { codes: [50196] }), 30],
    ['our own secret refused', failing('invalid_client', { status: 401 }), 30],
  ])('%s: 503 with Retry-After, and the reason for the audit', async (_, answer, seconds) => {
    const { refusal } = await refused(({ bench, alice }) => {
      bench.provider.answers(() => answer);
      return refreshTokenOf(alice);
    });
    expect(refusal).toMatchObject({ code: 'temporarily_unavailable', status: 503 });
    expect(refusal.headers['Retry-After']).toBe(String(seconds));
    expect(refusal.reason).toMatch(/^(transient|broker_misconfigured): /);
  });

  it("another user's credential: identity_mismatch", async () => {
    const { refusal } = await refused(() => refreshTokenOf(someone('mallory')));
    expect(refusal).toMatchObject({ code: 'identity_mismatch', status: 422 });
  });

  it.each([
    [
      'the same object id in another tenant',
      (id: string) => idTokenOf({ provider: 'aad', tenant: 'other', id }),
    ],
    ['nobody', () => 'null'],
  ])('a credential of %s: identity_mismatch', async (_, idToken) => {
    const { refusal } = await refused(({ bench, alice }) => {
      bench.provider.answers((call) => bench.provider.good(call, { idToken: idToken(alice.id) }));
      return refreshTokenOf(alice);
    });
    expect(refusal.code).toBe('identity_mismatch');
  });

  it('storage that is down: 503', async () => {
    const { bench, request } = setUp();
    bench.rows.connections.cut();
    expect((await refusalOf(() => bench.takeOver(request()))).code).toBe('temporarily_unavailable');
  });
});

describe('taking over again', () => {
  it('renews: a new enrolment, one generation on, made when it was first made', async () => {
    const { bench, request } = setUp();
    const first = await bench.takeOver(request());
    bench.time.now += 1000;
    const second = await bench.takeOver(request());
    expect(second.created).toBe(false);
    expect(second.connection.enrolment).not.toBe(first.connection.enrolment);
    expect(second.connection).toMatchObject({ generation: 2, createdAt: NOW, renewedAt: NOW + 1000 });
    expect(await bench.audited('connection.renewed')).toHaveLength(1);
  });

  it('wipes the tokens of the enrolment before, and none of them is served', async () => {
    const { bench, alice, request } = setUp();
    await bench.takeOver(request());
    const target = { resource: GRAPH, scope: ['Mail.Read'] };
    const ask = { subject: alice, target, minTtlSeconds: 10, acceptShorter: true, patienceMs: 0 } as const;
    const before = await bench.refresh({ ...ask, cause: 'token' });
    await bench.takeOver(request());
    expect((await bench.connections.keptTokens(alice)).map((kept) => kept.target)).toEqual([{ scope: [] }]);
    const after = await bench.refresh({ ...ask, cause: 'token' });
    expect(after.kind).toBe('fresh');
    expect(after).not.toEqual(before);
  });

  it('keeps live grants kept fresh', async () => {
    const { bench, alice, request, stored } = setUp();
    const grant = {
      subject: alice,
      clientId: 'nightly-report',
      expiresInSeconds: undefined,
      correlationId: 'c',
    };
    await bench.createGrant({
      ...grant,
      resource: GRAPH,
      scope: ['Mail.Read'],
      refreshToken: refreshTokenOf(alice),
    });
    await bench.createGrant({ ...grant, resource: ORDERS, scope: ['orders.read'], refreshToken: undefined });
    await bench.takeOver(request());
    expect((await stored())?.dueAt).toBe(bench.time.now);
    bench.provider.calls.length = 0;
    await bench.tick();
    expect(bench.provider.calls.map(({ target }) => target)).toEqual([
      { resource: GRAPH, scope: ['Mail.Read'] },
    ]);
  });

  it('two at once both succeed, and one connection is there', async () => {
    const { bench, request, stored } = setUp();
    const both = await Promise.all([bench.takeOver(request()), bench.takeOver(request())]);
    expect(both.map(({ created }) => created).sort()).toEqual([false, true]);
    expect(both.map(({ connection }) => connection.enrolment)).toContain((await stored())?.enrolment);
  });

  it('a write that was applied but reported as a conflict counts as ours', async () => {
    const { bench, request, stored } = setUp();
    bench.rows.connections.fail('commit', ['applied_but_conflict']);
    const { connection, created } = await bench.takeOver(request());
    expect(created).toBe(true);
    expect(await stored()).toEqual(connection);
    expect(bench.provider.calls).toHaveLength(1);
    expect(await bench.audited('connection.created')).toHaveLength(1);
  });
});
