import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeptToken } from '../../../shared/domain/connection.js';
import { refreshAt, targetDueAt } from '../../../shared/domain/schedule.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const subject = { provider: 'aad', tenant: 't', id: 'alice' };
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

  it('the bare credential within its liveness interval, by up to three tenths earlier', () => {
    const proof = kept(NOW + 1000, { target: { scope: [] } });
    const dueAt = targetDueAt(proof, rules, NOW) ?? 0;
    expect(dueAt).toBeLessThanOrEqual(NOW + 21_600_000);
    expect(dueAt).toBeGreaterThanOrEqual(NOW + 21_600_000 * 0.7);
  });
});

describe('a crowd', () => {
  /** Refreshes in each five minutes of the hours asked for, as shares of their mean. */
  function load(
    crowd: { users: number; enrolledWithin: number; lifeOf(user: number): number },
    hours: [number, number],
  ) {
    const bins = Array.from({ length: (hours[1] - hours[0]) * 12 }, () => 0);
    for (let user = 0; user < crowd.users; user++) {
      let at = NOW + (crowd.enrolledWithin * user) / crowd.users;
      while (at < NOW + hours[1] * HOUR) {
        const bin = Math.floor((at - NOW) / (5 * MINUTE)) - hours[0] * 12;
        if (bin >= 0) bins[bin] = (bins[bin] ?? 0) + 1;
        at = refreshAt({ obtainedAt: at, expiresAt: at + crowd.lifeOf(user) }, 600, `user ${user}`);
      }
    }
    const calls = bins.reduce((sum, count) => sum + count, 0);
    const shares = bins.map((count) => (count * bins.length) / calls);
    return { least: Math.min(...shares), most: Math.max(...shares), each: calls / crowd.users };
  }
  const users = 6000;

  it.each([
    ['enrolled within one hour', HOUR],
    ['enrolled within one minute', MINUTE],
  ])('%s is spread flat, within a fifth, from the third hour on', (_, enrolledWithin) => {
    const { least, most } = load({ users, enrolledWithin, lifeOf: () => HOUR }, [3, 9]);
    expect(least).toBeGreaterThan(0.8);
    expect(most).toBeLessThan(1.2);
  });

  it('whose tokens live an hour, a second more or less, is spread as flat', () => {
    const lifeOf = (user: number) => HOUR - 1000 * (user % 3);
    const { least, most } = load({ users, enrolledWithin: MINUTE, lifeOf }, [3, 9]);
    expect(least).toBeGreaterThan(0.8);
    expect(most).toBeLessThan(1.2);
  });

  it('pays for that with no more than one refresh in twenty', () => {
    const { each } = load({ users: 500, enrolledWithin: HOUR, lifeOf: () => HOUR }, [4, 24]);
    const least = (20 * HOUR) / (50 * MINUTE);
    expect(each).toBeLessThanOrEqual(least * 1.05);
  });
});
