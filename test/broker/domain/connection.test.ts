import { describe, expect, it } from 'vitest';
import {
  type Connection,
  claimMs,
  isClaimed,
  type KeptToken,
  MOST_KEPT,
  servable,
  surplus,
  targetKey,
} from '../../../shared/domain/connection.js';

const NOW = 1_800_000_000_000;
const subject = { provider: 'aad', tenant: 't', id: 'alice' };
const connection: Connection = {
  subject,
  state: 'active',
  enrolment: 'e1',
  generation: 3,
  createdAt: 0,
  renewedAt: 0,
  refreshedAt: 0,
};
function kept(expiresAt: number, more: Partial<KeptToken> = {}): KeptToken {
  return {
    subject,
    target: { resource: 'https://graph.microsoft.test', scope: ['Mail.Read'] },
    enrolment: 'e1',
    generation: 3,
    token: { sealed: 's', scope: ['Mail.Read'], obtainedAt: NOW, expiresAt },
    ...more,
  };
}

describe('a kept token is served', () => {
  const need = (minTtlSeconds: number, now = NOW) => ({ now, minTtlSeconds });

  it('while it lives at least as long as is needed', () => {
    const token = kept(NOW + 60_000);
    expect(servable(token, connection, need(60))?.sealed).toBe('s');
    expect(servable(token, connection, need(61))).toBeUndefined();
    expect(servable(token, connection, need(60, NOW + 1))).toBeUndefined();
  });

  it('never with less than a second left, even where nothing is needed of it', () => {
    for (const least of [0, -5]) {
      expect(servable(kept(NOW + 999), connection, need(least))).toBeUndefined();
      expect(servable(kept(NOW + 1000), connection, need(least))).toBeDefined();
    }
  });

  it('never to a need without end: that asks for a refresh', () => {
    expect(servable(kept(NOW + 1e12), connection, need(Number.POSITIVE_INFINITY))).toBeUndefined();
  });

  it('never from an earlier enrolment', () => {
    expect(servable(kept(NOW + 60_000, { enrolment: 'e0' }), connection, need(1))).toBeUndefined();
  });

  it('never where only the proof of life was kept', () => {
    const proof = kept(NOW, { token: { scope: [], obtainedAt: NOW, expiresAt: NOW + 60_000 } });
    expect(servable(proof, connection, need(1))).toBeUndefined();
    expect(servable(undefined, connection, need(1))).toBeUndefined();
  });
});

describe('claims and target keys', () => {
  it.each(['none', 'replace-keep-old', 'single-use'] as const)(
    'at a provider of %s a claim keeps others off until it is so old, by the clock of the store alone, and not longer',
    (rotation) => {
      const value = { ...connection, claim: { attemptId: 'a' } };
      const ageMs = claimMs(rotation);
      expect(isClaimed({ value, ageMs: ageMs - 1 }, rotation)).toBe(true);
      expect(isClaimed({ value, ageMs }, rotation)).toBe(false);
      expect(isClaimed({ value }, rotation)).toBe(true);
      expect(isClaimed({ value: connection, ageMs: 0 }, rotation)).toBe(false);
    },
  );

  it('where a spent token ends everything, a claim outlasts two slow calls and the writes after them', () => {
    expect(claimMs('single-use')).toBeGreaterThan(5000 + 2 * 15_000 + 1000 + 2 * 12_300);
  });

  it('a target is known by resource and scope: the bare credential is none of them', () => {
    const keys = [
      { scope: [] },
      { resource: 'api://a', scope: [] },
      { resource: 'api://a', scope: ['b'] },
      { resource: 'api://a', scope: ['b', 'c'] },
      { resource: 'api://a', scope: ['b c'] },
    ].map(targetKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('beyond as many tokens as are kept', () => {
  const target = (scope: string) => ({ resource: 'https://graph.microsoft.test', scope: [scope] });

  it('those that answer challenges go first, however long they live; then those that end first', () => {
    const plain = [1, 2].map((n) => kept(NOW + n * 60_000, { target: target(`plain${n}`) }));
    const challenged = Array.from({ length: MOST_KEPT }, (_, n) =>
      kept(NOW + 3_600_000 + n, { target: { ...target('other'), claims: `{"n":${n}}` } }),
    );
    const written = kept(NOW + 7_200_000, { target: { ...target('other'), claims: '{"n":"new"}' } });
    const gone = surplus([...plain, ...challenged], [written], NOW);
    expect(gone.map(({ claims }) => claims)).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
  });

  it('among plain ones the one that ends first', () => {
    const plain = Array.from({ length: MOST_KEPT }, (_, n) =>
      kept(NOW + (n + 1) * 60_000, { target: target(`plain${n}`) }),
    );
    const written = kept(NOW + 7_200_000, { target: target('new') });
    expect(surplus(plain, [written], NOW)).toEqual([target('plain0')]);
  });
});
