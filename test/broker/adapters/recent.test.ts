import { describe, expect, it } from 'vitest';
import { withVerifiedTokens } from '../../../shared/adapters/jose/verified_tokens.js';
import { createRecent } from '../../../shared/adapters/recent.js';
import { createRecentConnections, withRecentGrants } from '../../../shared/adapters/recent_reads.js';
import type { Notices } from '../../../shared/adapters/tables/notices.js';
import type { Connection } from '../../../shared/domain/connection.js';
import type { Grant } from '../../../shared/domain/grant.js';
import { subjectKey } from '../../../shared/domain/subject.js';
import { rememberTokens } from '../../../shared/flows/remember_tokens.js';
import type { ConnectionStore, GrantStore, Tokens } from '../../../shared/ports.js';

const subject = { provider: 'aad', tenant: 't', id: 'u' };
const target = { resource: 'api://x', scope: ['a'] };
const grant = { grantId: 'g', subject } as Grant;

/** Notices of nothing: everything may be served again. `said` is what was announced. */
function silence(): Notices & { readonly said: string[] } {
  const said: string[] = [];
  return { said, announce: async (key) => void said.push(key), isUsable: () => true };
}

function clockAt(start = 1_000_000) {
  let now = start;
  return { clock: () => now, step: (ms: number) => (now += ms) };
}

describe('what was read is served again for a bounded time only', () => {
  it('for at most the age given, and not when the clock was set back', () => {
    const { clock, step } = clockAt();
    const recent = createRecent<object>(clock, { maxAgeMs: 100, max: 10 });
    recent.set('k', {});
    step(99);
    expect(recent.get('k')).toBeDefined();
    step(1);
    expect(recent.get('k')).toBeUndefined();
    recent.set('k', {});
    step(-1);
    expect(recent.get('k')).toBeUndefined();
  });

  it('and not when it is said that it may have changed since it was read', () => {
    const { clock, step } = clockAt();
    const isUsable = (_: string, readAt: number) => readAt > 1_000_050;
    const recent = createRecent<object>(clock, { maxAgeMs: 1000, max: 10, isUsable });
    recent.set('k', {});
    expect(recent.get('k')).toBeUndefined();
    step(100);
    recent.set('k', {}, clock() - 60);
    expect(recent.get('k')).toBeUndefined();
    recent.set('k', {});
    expect(recent.get('k')).toBeDefined();
  });

  it('and not beyond the bytes that all of them may have', () => {
    const size = { most: 100, of: ({ text }: { text: string }) => text.length };
    const recent = createRecent<{ text: string }>(() => 0, { maxAgeMs: 1, max: 1000, size });
    for (let index = 0; index < 50; index++) recent.set(String(index), { text: 'x'.repeat(10) });
    const kept = Array.from({ length: 50 }, (_, index) => recent.get(String(index))).filter(Boolean);
    expect(kept).toHaveLength(10);
    expect(recent.get('49')).toBeDefined();
  });

  it('the oldest go when there are too many', () => {
    const recent = createRecent<object>(() => 0, { maxAgeMs: 100, max: 3 });
    for (const key of ['a', 'b', 'c', 'd']) recent.set(key, {});
    expect([recent.get('a'), recent.get('d')]).toEqual([undefined, {}]);
  });
});

describe('grants', () => {
  it('are read once, forgotten when written here, and never remembered as absent', async () => {
    const { clock } = clockAt();
    let reads = 0;
    let present = false;
    const store = {
      find: async () => {
        reads += 1;
        return present ? { value: grant, etag: 'e' } : undefined;
      },
      replace: async () => true,
    } as unknown as GrantStore;
    const notices = silence();
    const grants = withRecentGrants(store, { clock, notices });
    expect(await grants.find('g')).toBeUndefined();
    present = true;
    for (let index = 0; index < 5; index++) expect((await grants.find('g'))?.etag).toBe('e');
    expect(reads).toBe(2);
    await grants.replace(grant, 'e');
    expect(notices.said).toEqual([subjectKey(subject)]);
    await grants.find('g');
    expect(reads).toBe(3);
  });
});

describe('tokens and connections', () => {
  function bench(state: Connection['state'] = 'active') {
    const time = clockAt();
    let reads = 0;
    const store = {
      find: async () => {
        reads += 1;
        return { value: { state } as Connection, etag: 'e' };
      },
      replace: async () => true,
      create: async () => true,
    } as unknown as ConnectionStore;
    const notices = silence();
    const recent = createRecentConnections(store, { clock: time.clock, notices });
    return { ...time, recent, notices, reads: () => reads };
  }
  const request = {
    subject,
    target,
    minTtlSeconds: 10,
    acceptShorter: true,
    cause: 'token',
    patienceMs: 0,
  } as const;

  it('a token is handed out again while it lives long enough, without asking', async () => {
    const { recent, clock, step } = bench();
    let asked = 0;
    const remembered = rememberTokens(
      async () => {
        asked += 1;
        const life = { obtainedAt: clock(), expiresAt: clock() + 12_000 };
        return { kind: 'fresh', token: { accessToken: 't', scope: ['a'], ...life } };
      },
      { recent: recent.tokens, clock },
    );
    await remembered(request);
    step(1000);
    await remembered(request);
    expect(asked).toBe(1);
    await remembered({ ...request, minTtlSeconds: 12 });
    expect(asked).toBe(2);
    await remembered({ ...request, target: { ...target, scope: ['b'] } });
    expect(asked).toBe(3);
    await remembered({ ...request, subject: { ...subject, id: 'other' } });
    expect(asked).toBe(4);
    // What another registration obtained, or a challenge asked for, is another token.
    for (const more of [{ facade: 'f' }, { claims: '{}' }]) {
      await remembered({ ...request, target: { ...target, ...more } });
    }
    expect(asked).toBe(6);
  });

  it('every write to the connection forgets its tokens at once', async () => {
    const { recent, clock } = bench();
    const life = { obtainedAt: clock(), expiresAt: clock() + 60_000 };
    recent.tokens.set(subject, target, { accessToken: 't', scope: [], ...life });
    await recent.store.replace({ subject } as Connection, 'e');
    expect(recent.tokens.get(subject, target)).toBeUndefined();
  });

  it('an end, a death and a new take-over are announced before they are written; a refresh is not', async () => {
    const { recent, notices } = bench();
    const connection = { subject, state: 'active', renewedAt: 1, refreshedAt: 1 } as Connection;
    await recent.store.replace({ ...connection, refreshedAt: 2 }, 'e');
    expect(notices.said).toEqual([]);
    const changes: Partial<Connection>[] = [{ state: 'ended' }, { state: 'dead' }, {}];
    for (const change of changes) await recent.store.replace({ ...connection, ...change }, 'e');
    expect(notices.said).toEqual(changes.map(() => subjectKey(subject)));
  });

  it('what was read is as old as its reading began: an end that came meanwhile counts for groups too', async () => {
    const { clock, step } = clockAt();
    const endedAt = clock() + 50;
    let reads = 0;
    const store = {
      find: async () => {
        reads += 1;
        step(100);
        return { value: { state: 'active', membership: { provenAt: 0 } } as Connection, etag: 'e' };
      },
    } as unknown as ConnectionStore;
    const notices: Notices = { announce: async () => undefined, isUsable: (_, readAt) => readAt > endedAt };
    const recent = createRecentConnections(store, { clock, notices });
    await recent.membershipOf(subject);
    await recent.membershipOf(subject);
    expect(reads).toBe(2);
    await recent.membershipOf(subject);
    expect(reads).toBe(2);
  });

  it('only a living connection is remembered', async () => {
    const alive = bench();
    for (let index = 0; index < 3; index++) expect(await alive.recent.isActive(subject)).toBe(true);
    expect(alive.reads()).toBe(1);
    const dead = bench('dead');
    for (let index = 0; index < 3; index++) expect(await dead.recent.isActive(subject)).toBe(false);
    expect(dead.reads()).toBe(3);
  });
});

describe('app tokens', () => {
  it('are verified once within their life and five minutes, by hash; refusals every time', async () => {
    const { clock, step } = clockAt();
    let checked = 0;
    const tokens = {
      verifyAppToken: async (token: string) => {
        checked += 1;
        if (token === 'bad') throw new Error('refused');
        return { appId: token, tenant: 't', roles: [], expiresAt: clock() + 60_000 };
      },
    } as unknown as Tokens;
    const verified = withVerifiedTokens(tokens, clock);
    for (let index = 0; index < 3; index++) expect((await verified.verifyAppToken('one')).appId).toBe('one');
    expect((await verified.verifyAppToken('two')).appId).toBe('two');
    expect(checked).toBe(2);
    step(60_000);
    await verified.verifyAppToken('one');
    expect(checked).toBe(3);
    for (let index = 0; index < 2; index++) await expect(verified.verifyAppToken('bad')).rejects.toThrow();
    expect(checked).toBe(5);
  });
});
