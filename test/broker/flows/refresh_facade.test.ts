import { describe, expect, it } from 'vitest';
import { registrationOf } from '../../../shared/domain/registration.js';
import { FACADE, READER } from '../support/bench.js';
import { MAIL, withRefreshing } from '../support/refreshing.js';
import { someone } from '../support/samples.js';
import { failing, type ProviderScript } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const on = withRefreshing(tables);
const THROUGH = { resource: READER, scope: ['User.Read'], facade: FACADE };
const HOUR = 3_600_000;

const withFacade = (answer: ReturnType<typeof failing>): ReturnType<typeof failing> =>
  answer.ok ? answer : { ok: false, failure: { ...answer.failure, facade: FACADE } };

/** The facade's hop fails so; all else goes well. */
const facadeFails =
  (error: string, codes: readonly number[], status = 400): ProviderScript =>
  (call) =>
    call.target.facade === undefined
      ? on.bench.provider.good(call)
      : withFacade(failing(error, { codes, status }));

async function allowReader(subject = on.alice) {
  await on.bench.createGrant({
    subject,
    clientId: 'nightly-report',
    resource: READER,
    scope: ['User.Read'],
    expiresInSeconds: undefined,
    refreshToken: undefined,
    correlationId: 'c',
  });
}

describe('a facade that the provider refuses', () => {
  it('stops what goes through it, for everybody, and nothing else', async () => {
    const bob = someone('bob');
    await on.connect(bob);
    on.bench.provider.answers(facadeFails('invalid_client', [7000222], 401));
    const until = on.bench.time.now + 60_000;
    const registration = registrationOf('aad', FACADE);
    for (const subject of [on.alice, bob]) {
      expect(await on.ask({ subject, target: THROUGH })).toEqual({
        kind: 'circuit_open',
        registration,
        until,
      });
    }
    expect(on.bench.provider.calls).toHaveLength(1);
    expect((await on.ask({ target: MAIL })).kind).toBe('fresh');
    expect(await on.bench.circuits.openUntil('aad')).toBeUndefined();
    expect(await on.bench.failed()).toMatchObject([
      { class: 'broker_misconfigured', error: 'invalid_client', facade: FACADE },
    ]);
  });

  it('once mended is used again without anybody doing anything', async () => {
    on.bench.provider.answers(facadeFails('invalid_client', [7000222], 401));
    await on.ask({ target: THROUGH });
    on.bench.provider.answersWell();
    on.bench.time.now += 60_000;
    expect((await on.ask({ target: THROUGH })).kind).toBe('fresh');
    expect(await on.bench.circuits.openUntil(registrationOf('aad', FACADE))).toBeUndefined();
  });

  it('proves the main registration mended, whose circuit it was asked through', async () => {
    on.bench.provider.answers(() => failing('invalid_client', { status: 401 }));
    await on.ask({ target: MAIL });
    on.bench.time.now += 60_000;
    on.bench.provider.answers(facadeFails('invalid_client', [7000222], 401));
    await on.ask({ target: THROUGH });
    expect(await on.bench.circuits.openUntil('aad')).toBeUndefined();
  });

  it('does not keep the timer from the other targets of the same user', async () => {
    await allowReader();
    await on.bench.createGrant({
      subject: on.alice,
      clientId: 'mail-agent',
      resource: MAIL.resource,
      scope: MAIL.scope,
      expiresInSeconds: undefined,
      refreshToken: undefined,
      correlationId: 'c',
    });
    // The facade's token ends first, so it is the first to be looked at.
    on.bench.provider.lifeSeconds = 1000;
    await on.ask({ target: THROUGH });
    on.bench.provider.lifeSeconds = 2000;
    await on.ask({ target: MAIL });
    on.bench.provider.answers(facadeFails('invalid_client', [7000222], 401));
    on.bench.provider.calls.length = 0;
    on.bench.time.now += 3 * HOUR;
    await on.bench.tick();
    expect(on.bench.provider.calls.map(({ target }) => target)).toEqual([THROUGH, MAIL]);
    expect((await on.bench.connections.keptToken(on.alice, MAIL))?.token?.obtainedAt).toBe(on.bench.time.now);
  });
});

describe('a facade that cannot act for a user', () => {
  it.each([
    ['an expired assertion', 'invalid_grant', [500133], 'broker_misconfigured'],
    ['an assertion for another audience', 'invalid_grant', [500131], 'broker_misconfigured'],
    ['a bad signature', 'invalid_grant', [50013], 'broker_misconfigured'],
    ['missing consent', 'invalid_grant', [65001], 'user_action_required'],
    ['a revoked session', 'invalid_grant', [50173], 'user_action_required'],
    ['a reason nobody knows', 'invalid_grant', [999_999], 'user_action_required'],
    ['a scope the API does not have', 'invalid_scope', [70011], 'broker_misconfigured'],
    ['an outage', 'temporarily_unavailable', [90033], 'transient'],
  ])('for %s never ends the connection, however often', async (_, error, codes, expected) => {
    on.bench.provider.answers(facadeFails(error, codes));
    for (let attempt = 0; attempt < 6; attempt++) {
      expect(await on.ask({ target: THROUGH })).toMatchObject({
        kind: 'failed',
        failure: { class: expected },
      });
      on.bench.time.now += 25 * HOUR;
    }
    expect((await on.stored()).state).toBe('active');
    on.bench.provider.answersWell();
    expect((await on.ask({ target: THROUGH })).kind).toBe('fresh');
  });
});

describe('a token obtained through a facade', () => {
  it('is kept fresh by the timer like any other', async () => {
    await allowReader();
    on.bench.time.now += 61_000;
    await on.bench.tick();
    expect(on.bench.provider.calls.map(({ target }) => target)).toEqual([THROUGH]);
    expect((await on.ask({ target: THROUGH })).kind).toBe('fresh');
    expect(on.bench.provider.calls).toHaveLength(1);
  });

  it('is never mistaken for one obtained without it, nor the other way round', async () => {
    const direct = { resource: READER, scope: ['User.Read'] };
    const first = await on.ask({ target: THROUGH });
    const second = await on.ask({ target: direct });
    expect(on.bench.provider.calls).toHaveLength(2);
    expect(first).not.toEqual(second);
    const kept = await on.bench.connections.keptToken(on.alice, THROUGH);
    if (!kept) throw new Error('nothing was kept');
    // A row copied over to the other name does not open there.
    const found = await on.bench.connections.find(on.alice);
    if (!found) throw new Error('there is no connection');
    await on.bench.connections.replace(found.value, found.etag, { keep: [{ ...kept, target: direct }] });
    await expect(on.ask({ target: direct })).rejects.toThrow('does not open');
  });
});
