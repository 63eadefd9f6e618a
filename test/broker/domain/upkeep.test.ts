import { describe, expect, it } from 'vitest';
import type { KeptToken } from '../../../shared/domain/connection.js';
import type { Grant } from '../../../shared/domain/grant.js';
import { grantState } from '../../../shared/domain/grant.js';
import { CREDENTIAL, dueTargets, upkeepTargets } from '../../../shared/domain/upkeep.js';

const NOW = 1_800_000_000_000;
const GRAPH = 'https://graph.microsoft.test';
const subject = { provider: 'aad', tenant: 't', id: 'alice' };
const resources = new Map([
  [GRAPH, { narrowing: 'provider', scope: ['Mail.Read', 'User.Read'] }],
  ['api://orders', { narrowing: 'minted', scope: ['orders.read'] }],
]);
const rules = { windowSeconds: 600, livenessSeconds: 21_600 };

function grant(resource: string, scope: readonly string[], more: Partial<Grant> = {}): Grant {
  return {
    grantId: 'g',
    subject,
    clientId: 'c',
    resource,
    scope,
    createdAt: 0,
    expiresAt: NOW + 1,
    ...more,
  };
}

describe('what is kept fresh', () => {
  it('a provider token for every live grant, once per resource and scope', () => {
    const grants = [grant(GRAPH, ['Mail.Read']), grant(GRAPH, ['Mail.Read']), grant(GRAPH, ['User.Read'])];
    expect(upkeepTargets(grants, resources, NOW)).toEqual([
      { resource: GRAPH, scope: ['Mail.Read'] },
      { resource: GRAPH, scope: ['User.Read'] },
    ]);
  });

  it('the bare credential where every live grant is served by minted tokens', () => {
    expect(upkeepTargets([grant('api://orders', ['orders.read'])], resources, NOW)).toEqual([CREDENTIAL]);
  });

  it('nothing without a live grant', () => {
    const over = [
      grant(GRAPH, ['Mail.Read'], { expiresAt: NOW }),
      grant(GRAPH, ['Mail.Read'], { ended: { at: 1, by: 'subject' } }),
    ];
    expect(upkeepTargets(over, resources, NOW)).toEqual([]);
    expect(upkeepTargets([], resources, NOW)).toEqual([]);
  });

  it('nothing that policy no longer names: only the proof of life stays', () => {
    expect(upkeepTargets([grant(GRAPH, ['Files.Read'])], resources, NOW)).toEqual([CREDENTIAL]);
    expect(upkeepTargets([grant('api://gone', ['x'])], resources, NOW)).toEqual([CREDENTIAL]);
  });
});

describe('when it is due', () => {
  const target = { resource: GRAPH, scope: ['Mail.Read'] };
  const token = (expiresAt: number, enrolment = 'e'): KeptToken => ({
    subject,
    target,
    enrolment,
    generation: 1,
    token: { sealed: 's', scope: ['Mail.Read'], obtainedAt: NOW, expiresAt },
  });
  const when = { rules, enrolment: 'e', now: NOW };

  it('soonest first', () => {
    const fresh = { resource: GRAPH, scope: ['User.Read'] };
    const due = dueTargets([target, fresh], [token(NOW + 3_600_000)], when);
    expect(due.map((entry) => entry.target)).toEqual([fresh, target]);
    expect(due[0]?.dueAt).toBe(NOW);
  });

  it('a token of an earlier enrolment counts for nothing', () => {
    expect(dueTargets([target], [token(NOW + 3_600_000, 'earlier')], when)[0]?.dueAt).toBe(NOW);
  });

  it('a target that will never be tried again is left out', () => {
    const dead = {
      ...token(NOW),
      failure: { class: 'grant_dead', count: 1, firstAt: 0, at: 0, error: 'x', codes: [] } as const,
    };
    expect(dueTargets([target], [dead], when)).toEqual([]);
  });
});

describe('the state of a grant', () => {
  it('is live until its time and not at it; ended wins over expired', () => {
    expect(grantState(grant(GRAPH, ['a'], { expiresAt: NOW + 1 }), NOW)).toBe('live');
    expect(grantState(grant(GRAPH, ['a'], { expiresAt: NOW }), NOW)).toBe('expired');
    const ended = { expiresAt: NOW, ended: { at: 1, by: 'client' } } as const;
    expect(grantState(grant(GRAPH, ['a'], ended), NOW)).toBe('ended');
  });
});
