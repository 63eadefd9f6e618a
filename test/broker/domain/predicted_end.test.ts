import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predictedEnds } from '../../../shared/domain/predicted_end.js';
import { refreshAt } from '../../../shared/domain/schedule.js';
import { aad } from '../../../shared/providers/aad.js';
import { EXCHANGE_WHEN_LEFT_SECONDS, facebook } from '../../../shared/providers/facebook.js';
import { credentialKindOf, freshnessOf } from '../../../shared/providers/rules.js';
import { NOW } from '../support/samples.js';

const DAY = 86_400_000;

describe('ends that can be seen coming', () => {
  it('by inactivity they move with each refresh; the end the provider has set stands; soonest first', () => {
    const limits = { inactivitySeconds: 90 * 86_400 };
    const ends = predictedEnds({ refreshedAt: NOW, credentialEndsAt: NOW + 60 * DAY }, limits);
    expect(ends).toEqual([
      { cause: 'absolute', at: NOW + 60 * DAY, threatensFrom: NOW },
      { cause: 'inactivity', at: NOW + 90 * DAY, threatensFrom: NOW + 45 * DAY },
    ]);
    expect(predictedEnds({ refreshedAt: NOW + DAY }, limits)).toEqual([
      { cause: 'inactivity', at: NOW + 91 * DAY, threatensFrom: NOW + 46 * DAY },
    ]);
  });

  it("a session's own end threatens nobody while it is renewed: only half its time without that does", () => {
    const hour = 3_600_000;
    const session = {
      refreshedAt: NOW,
      credentialEndsAt: NOW + 80 * hour,
      credentialKind: 'session' as const,
    };
    expect(predictedEnds(session, { inactivitySeconds: 80 * 3600 })).toEqual([
      { cause: 'inactivity', at: NOW + 80 * hour, threatensFrom: NOW + 40 * hour },
    ]);
  });

  it('a credential without limits has none', () => {
    expect(predictedEnds({ refreshedAt: NOW }, {})).toEqual([]);
  });
});

describe('when tokens are renewed', () => {
  const set = { windowSeconds: 600, livenessSeconds: 30 * 86_400 };

  it('as set, where the provider has no limits of its own', () => {
    expect(freshnessOf({ limits: {} }, set)).toEqual(set);
  });

  it('a credential is used three times in the time after which it would die of inactivity', () => {
    const limits = { inactivitySeconds: 9 * 86_400 };
    expect(freshnessOf({ limits }, set).livenessSeconds).toBe(3 * 86_400);
    expect(freshnessOf(aad, { ...set, livenessSeconds: 60 * 86_400 }).livenessSeconds).toBe(30 * 86_400);
  });

  it('earlier than set, where a token that has nearly ended could not be renewed', () => {
    const limits = { renewBeforeSeconds: 30 * 86_400 };
    expect(freshnessOf({ limits }, set).windowSeconds).toBe(30 * 86_400);
  });
});

describe('what a connection holds', () => {
  it.each([
    ['replace-keep-old', 'refresh_token', 'refresh_token'],
    ['none', 'refresh_token', 'refresh_token'],
    ['none', 'exchange', 'access_token'],
    ['none', 'none', 'access_token'],
    ['single-use', 'refresh_token', 'session'],
  ] as const)('rotation %s, refreshed by %s: %s', (rotation, refreshKind, kind) => {
    expect(credentialKindOf({ rotation, refreshKind })).toBe(kind);
  });
});

describe("Facebook's sixty days", () => {
  it('every user is exchanged in time: due from day thirty on, with a day and more to spread over, and never with more left than is exchanged', () => {
    const { windowSeconds } = freshnessOf(facebook, { windowSeconds: 600, livenessSeconds: 21_600 });
    const life = { obtainedAt: NOW, expiresAt: NOW + 60 * DAY };
    const days = new Set<number>();
    const property = fc.property(fc.string(), (seed) => {
      const day = (refreshAt(life, windowSeconds, seed) - NOW) / DAY;
      days.add(Math.floor(day));
      expect(day).toBeGreaterThanOrEqual(30);
      expect(60 - day).toBeLessThanOrEqual(EXCHANGE_WHEN_LEFT_SECONDS / 86_400);
      expect(day).toBeLessThan(33);
    });
    fc.assert(property, { numRuns: 500 });
    expect(days.size).toBeGreaterThan(1);
  });
});
