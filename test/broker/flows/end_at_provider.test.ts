import { beforeEach, describe, expect, it } from 'vitest';
import { createEndConnection } from '../../../shared/flows/end_connection.js';
import type { FailedAttempt, RecordFailure } from '../../../shared/flows/record_failure.js';
import { createRefreshAttempt } from '../../../shared/flows/refresh_attempt.js';
import { openIdRules } from '../../../shared/providers/openid.js';
import type { Bench } from '../support/bench.js';
import { withRefreshing } from '../support/refreshing.js';
import { failing } from '../support/scripted_provider.js';
import { withTables } from '../support/tables.js';

const on = withRefreshing(withTables());

/** Ends Alice's connection at a provider that answers the revocation so. */
async function endWith(bench: Bench, revoke: () => Promise<'revoked' | 'failed' | 'not_supported'>) {
  const revoked: string[] = [];
  const provider = {
    ...bench.provider,
    revoke: (_: string, credential: string) => {
      revoked.push(credential);
      return revoke();
    },
  };
  const ended = await createEndConnection({ ...bench, provider })(on.alice, 'c');
  return { ended, revoked };
}

describe('ending a connection at the provider too', () => {
  it('hands the provider the very credential that was held, once nothing is held any more', async () => {
    const held = await on.credential();
    let stateThen: string | undefined;
    const { ended, revoked } = await endWith(on.bench, async () => {
      stateThen = (await on.stored()).state;
      return 'revoked';
    });
    expect([ended?.revocation, revoked, stateThen]).toEqual(['revoked', [held], 'ended']);
    const [event] = await on.bench.audited('connection.ended');
    expect(event?.reason).toBe('at the provider: revoked');
  });

  it.each([
    ['says it has failed', async () => 'failed' as const],
    ['throws', () => Promise.reject(new Error('boom'))],
  ])('a provider that %s keeps nobody from ending it', async (_, revoke) => {
    const { ended } = await endWith(on.bench, revoke);
    expect([ended?.revocation, (await on.stored()).state]).toEqual(['failed', 'ended']);
  });

  it('a credential that is dead already is not shown to anybody', async () => {
    on.bench.provider.answers(() => failing('invalid_grant', { suberror: 'bad_token' }));
    await on.ask();
    const { ended, revoked } = await endWith(on.bench, async () => 'revoked');
    expect([ended?.revocation, revoked]).toEqual(['nothing_held', []]);
  });
});

describe('a provider whose refresh tokens now count once', () => {
  const single = openIdRules({ name: 'aad', rotation: 'single-use' });
  beforeEach(() => {
    on.bench.provider.calls.length = 0;
  });

  it('is not shown a refresh token of before: the user is asked to sign in again', async () => {
    const { bench } = on;
    const booked: FailedAttempt[] = [];
    const recordFailure: RecordFailure = async (failed) => {
      booked.push(failed);
      return { kind: 'busy' };
    };
    const attempt = createRefreshAttempt({ ...bench, rulesOf: () => single, recordFailure });
    const found = await bench.connections.find(on.alice);
    if (!found) throw new Error('there is no connection');
    const claim = { attemptId: 'a-1' };
    await bench.connections.replace({ ...found.value, claim }, found.etag);
    const claimed = await bench.connections.find(on.alice);
    if (!claimed) throw new Error('there is no connection');
    const target = { resource: 'https://graph.microsoft.test', scope: ['Mail.Read'] };
    await attempt(claimed, undefined, {
      subject: on.alice,
      target,
      minTtlSeconds: 10,
      acceptShorter: false,
      cause: 'timer',
      patienceMs: 0,
      probing: [],
      claimedAt: bench.time.now,
    });
    expect(booked).toMatchObject([
      { failure: { error: 'credential_kind_changed' }, verdict: { class: 'user_action_required' } },
    ]);
    expect(bench.provider.calls).toEqual([]);
  });

  it('is not asked to revoke it either', async () => {
    const revoked: string[] = [];
    const provider = {
      ...on.bench.provider,
      revoke: async (_: string, credential: string) => {
        revoked.push(credential);
        return 'revoked' as const;
      },
    };
    const end = createEndConnection({ ...on.bench, provider, rulesOf: () => single });
    expect((await end(on.alice, 'c'))?.revocation).toBe('not_supported');
    expect(revoked).toEqual([]);
  });
});
