import { describe, expect, it } from 'vitest';
import { predictedEnds } from '../../../shared/domain/predicted_end.js';
import { aad } from '../../../shared/providers/aad.js';
import { credentialKindOf, freshnessOf } from '../../../shared/providers/rules.js';
import { NOW } from '../support/samples.js';

const DAY = 86_400_000;

describe('ends that can be seen coming', () => {
  it('by inactivity they move with each refresh; the end the provider has set stands; soonest first', () => {
    const limits = { inactivitySeconds: 90 * 86_400 };
    const ends = predictedEnds({ refreshedAt: NOW, credentialEndsAt: NOW + 60 * DAY }, limits);
    expect(ends).toEqual([
      { cause: 'absolute', at: NOW + 60 * DAY },
      { cause: 'inactivity', at: NOW + 90 * DAY },
    ]);
    expect(predictedEnds({ refreshedAt: NOW + DAY }, limits)).toEqual([
      { cause: 'inactivity', at: NOW + 91 * DAY },
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
