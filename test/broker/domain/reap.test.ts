import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connection, KeptToken } from '../../../shared/domain/connection.js';
import { type Grant, grantState } from '../../../shared/domain/grant.js';
import { type Patience, reapingsOf } from '../../../shared/domain/reap.js';
import { connectionOf, grantOf, keptOf, NOW, someone } from '../support/samples.js';

const DAY = 86_400_000;
const patience: Patience = { endedDays: 30, deadDays: 20, grantDays: 10, idleDays: 90, unreachableDays: 60 };
const subject = someone();
const user = (more: Partial<Connection> = {}) => connectionOf(subject, more);
const reasons = (
  seen: { connection: Connection; grants?: readonly Grant[]; kept?: readonly KeptToken[] },
  days: number,
  how = patience,
) => reapingsOf({ grants: [], kept: [], ...seen }, how, NOW + days * DAY).map(({ reason }) => reason);

describe('what is reaped', () => {
  it.each([
    ['a tombstone', { connection: user({ state: 'ended', endedAt: NOW }) }, 30, ['ended']],
    ['a dead connection', { connection: user({ state: 'dead' }) }, 20, ['dead']],
    ['a connection that no grant needs', { connection: user() }, 90, ['idle']],
    [
      'a grant that was ended',
      { connection: user(), grants: [grantOf(subject, { ended: { at: NOW, by: 'subject' } })] },
      10,
      ['grant_over'],
    ],
    [
      'a grant that expired',
      { connection: user(), grants: [grantOf(subject, { expiresAt: NOW })] },
      10,
      ['grant_over'],
    ],
  ] as const)('%s, when its patience is over and not before', (_, seen, days, expected) => {
    expect(reasons(seen, days)).toEqual(expected);
    expect(reasons(seen, days - 0.001)).toEqual([]);
  });

  it('a connection that only its user could have brought back for so long', () => {
    const failure = {
      class: 'user_action_required',
      count: 3,
      firstAt: NOW,
      at: NOW,
      error: 'x',
      codes: [],
    } as const;
    const { token: _, ...bare } = keptOf(subject);
    const seen = {
      connection: user(),
      grants: [grantOf(subject, { expiresAt: NOW + 365 * DAY })],
      kept: [{ ...bare, failure }],
    };
    expect(reasons(seen, 60)).toEqual(['unreachable']);
    expect(reasons(seen, 59)).toEqual([]);
    const other = keptOf(subject, {
      target: { scope: [] },
      token: { scope: [], obtainedAt: NOW, expiresAt: NOW + 61 * DAY },
    });
    expect(reasons({ ...seen, kept: [...seen.kept, other] }, 60)).toEqual([]);
  });

  it('a row goes only after the grants that are found through it', () => {
    const connection = user({ state: 'dead' });
    const expired = grantOf(subject, { expiresAt: NOW + 15 * DAY });
    expect(reasons({ connection, grants: [expired] }, 24)).toEqual([]);
    expect(reasons({ connection, grants: [expired] }, 25)).toEqual(['grant_over', 'dead']);
  });

  it('nothing whose patience is 0', () => {
    const never: Patience = { endedDays: 0, deadDays: 0, grantDays: 0, idleDays: 0, unreachableDays: 0 };
    for (const state of ['active', 'dead', 'ended'] as const) {
      const seen = {
        connection: user({ state, endedAt: NOW }),
        grants: [grantOf(subject, { expiresAt: NOW })],
      };
      expect(reasons(seen, 3650, never)).toEqual([]);
    }
  });

  it('never a connection that is alive and serves a live grant, nor that grant', () => {
    const time = fc.integer({ min: 0, max: 400 }).map((days) => NOW - days * DAY);
    const grant = fc
      .record({ created: time, lives: fc.integer({ min: 1, max: 500 }), ended: fc.option(time) })
      .map(({ created, lives, ended }) =>
        grantOf(subject, {
          createdAt: created,
          expiresAt: created + lives * DAY,
          ...(ended === null ? {} : { ended: { at: ended, by: 'subject' as const } }),
        }),
      );
    const days = fc.integer({ min: 0, max: 100 });
    const anyPatience = fc.record({
      endedDays: days,
      deadDays: days,
      grantDays: days,
      idleDays: days,
      unreachableDays: days,
    });
    const connection = fc
      .record({ renewedAt: time, refreshedAt: time, createdAt: time })
      .map((times) => user(times));
    fc.assert(
      fc.property(connection, fc.array(grant, { maxLength: 4 }), anyPatience, (one, grants, how) => {
        const live = grants.filter((each) => grantState(each, NOW) === 'live').map(({ grantId }) => grantId);
        const reapings = reapingsOf({ connection: one, grants, kept: [keptOf(subject)] }, how, NOW);
        const touched = reapings.flatMap((each) => (each.kind === 'remove_grant' ? [each.grantId] : []));
        expect(touched.filter((id) => live.includes(id))).toEqual([]);
        if (live.length > 0) expect(reapings.filter(({ kind }) => kind !== 'remove_grant')).toEqual([]);
      }),
    );
  });
});
