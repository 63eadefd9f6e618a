import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Connection,
  isClaimed,
  type KeptToken,
  refreshAt,
  servable,
  targetDueAt,
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
const rules = { windowSeconds: 600, livenessSeconds: 21_600 };

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

describe('when a token is refreshed', () => {
  const life = fc.record({ obtained: fc.nat(1e6), seconds: fc.integer({ min: 1, max: 86_400 }) });

  it('never in the first half of its life, never after its end', () => {
    fc.assert(
      fc.property(
        life,
        fc.integer({ min: 1, max: 86_400 }),
        fc.string(),
        ({ obtained, seconds }, window, seed) => {
          const expiresAt = obtained + seconds * 1000;
          const at = refreshAt({ obtainedAt: obtained, expiresAt }, window, seed);
          expect(at).toBeGreaterThanOrEqual(obtained + seconds * 500);
          expect(at).toBeLessThan(expiresAt);
        },
      ),
    );
  });

  it('at least one window before its end where its life allows', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        const at = refreshAt({ obtainedAt: 0, expiresAt: 3_600_000 }, 600, seed);
        expect(at).toBeLessThanOrEqual(3_000_000);
        expect(at).toBeGreaterThanOrEqual(3_000_000 - 60_000);
      }),
    );
  });

  it('users enrolled together do not stay together, and each keeps its own time', () => {
    const at = (seed: string) => refreshAt({ obtainedAt: 0, expiresAt: 3_600_000 }, 600, seed);
    const times = new Set(Array.from({ length: 100 }, (_, index) => at(`user ${index}`)));
    expect(times.size).toBeGreaterThan(90);
    expect(at('user 1')).toBe(at('user 1'));
  });
});

describe('when a target wants attention', () => {
  it('now, while there is no token', () => {
    expect(targetDueAt(undefined, rules, NOW)).toBe(NOW);
    const { token: _, ...bare } = kept(NOW);
    expect(targetDueAt(bare, rules, NOW)).toBe(NOW);
  });

  it('at the next attempt while failing, whatever is left of the token', () => {
    const failure = { class: 'transient', count: 1, firstAt: NOW, at: NOW, error: 'x', codes: [] } as const;
    const failing = kept(NOW + 3_600_000, { failure: { ...failure, nextAttemptAt: NOW + 5 } });
    expect(targetDueAt(failing, rules, NOW)).toBe(NOW + 5);
  });

  it('never, when there will be no next attempt', () => {
    const failure = { class: 'grant_dead', count: 1, firstAt: NOW, at: NOW, error: 'x', codes: [] } as const;
    expect(targetDueAt(kept(NOW + 1000, { failure }), rules, NOW)).toBeUndefined();
  });

  it('the bare credential within its liveness interval, by up to a tenth earlier', () => {
    const proof = kept(NOW + 1000, { target: { scope: [] } });
    const dueAt = targetDueAt(proof, rules, NOW) ?? 0;
    expect(dueAt).toBeLessThanOrEqual(NOW + 21_600_000);
    expect(dueAt).toBeGreaterThanOrEqual(NOW + 21_600_000 * 0.9);
  });
});

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
  it('a claim keeps others off until its time and not at it', () => {
    const claimed = { ...connection, claim: { attemptId: 'a', until: NOW } };
    expect(isClaimed(claimed, NOW - 1)).toBe(true);
    expect(isClaimed(claimed, NOW)).toBe(false);
    expect(isClaimed(connection, NOW)).toBe(false);
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
