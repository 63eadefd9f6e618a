import type { Connection, KeptToken } from './connection.js';
import { type Grant, grantState } from './grant.js';

/** How long each kind of leftover is kept, days; 0 keeps it for ever. */
export interface Patience {
  /** Tombstones of connections that were ended. */
  readonly endedDays: number;
  /** Connections whose credential died. */
  readonly deadDays: number;
  /** Grants that were ended or have expired. */
  readonly grantDays: number;
  /** Connections that no grant has needed for so long. */
  readonly idleDays: number;
  /** Connections that only their user could have brought back, for so long. */
  readonly unreachableDays: number;
}

export type ReapReason = 'ended' | 'dead' | 'grant_over' | 'idle' | 'unreachable';

/** What is to go. `end` takes leave as a user would, provider included; `remove` wipes what has been over for long. */
export type Reaping =
  | { readonly kind: 'end'; readonly reason: 'idle' | 'unreachable' }
  | { readonly kind: 'remove_grant'; readonly reason: 'grant_over'; readonly grantId: string }
  | { readonly kind: 'remove'; readonly reason: 'ended' | 'dead' };

interface Seen {
  readonly connection: Connection;
  readonly grants: readonly Grant[];
  readonly kept: readonly KeptToken[];
}

const DAY = 86_400_000;

/** Each reason has its own patience. What is alive, an active connection with a live grant that can be served, is never touched. */
export function reapingsOf(seen: Seen, patience: Patience, now: number): readonly Reaping[] {
  const over = seen.grants.filter((grant) => isOver(overAt(grant, now), patience.grantDays, now));
  const gone = over.map(({ grantId }) => ({ kind: 'remove_grant', reason: 'grant_over', grantId }) as const);
  if (seen.connection.state === 'active') {
    const reason = endOf(seen, patience, now);
    return reason ? [{ kind: 'end', reason }, ...gone] : gone;
  }
  // A grant finds its way to the one who looks after it through the connection: that goes last.
  const last = over.length === seen.grants.length;
  return last && isLeftover(seen.connection, patience, now)
    ? [...gone, { kind: 'remove', reason: seen.connection.state }]
    : gone;
}

function isOver(since: number | undefined, days: number, now: number): boolean {
  return days > 0 && since !== undefined && now - since >= days * DAY;
}

function overAt(grant: Grant, now: number): number | undefined {
  if (grantState(grant, now) === 'live') return undefined;
  return Math.min(grant.ended?.at ?? grant.expiresAt, grant.expiresAt);
}

function isLeftover(connection: Connection, patience: Patience, now: number): boolean {
  const last = Math.max(connection.endedAt ?? 0, connection.refreshedAt, connection.renewedAt);
  return isOver(last, connection.state === 'ended' ? patience.endedDays : patience.deadDays, now);
}

function endOf(
  { connection, grants, kept }: Seen,
  patience: Patience,
  now: number,
): 'idle' | 'unreachable' | undefined {
  if (grants.every((grant) => grantState(grant, now) !== 'live')) {
    const needed = grants.map((grant) => overAt(grant, now) ?? 0);
    // It was refreshed as long as a grant needed it: that is known even when the grant is not any more.
    const since = Math.max(connection.renewedAt, connection.refreshedAt, ...needed);
    return isOver(since, patience.idleDays, now) ? 'idle' : undefined;
  }
  return isUnreachable(connection, kept, { days: patience.unreachableDays, now }) ? 'unreachable' : undefined;
}

/** Nothing of it can be had but with its user, and that has been so for long. */
function isUnreachable(
  connection: Connection,
  kept: readonly KeptToken[],
  { days, now }: { days: number; now: number },
): boolean {
  const current = kept.filter(({ enrolment }) => enrolment === connection.enrolment);
  const failing = current.filter(({ failure }) => failure !== undefined);
  const served = current.some(
    ({ token, failure }) => failure === undefined && token !== undefined && token.expiresAt > now,
  );
  if (failing.length === 0 || served) return false;
  return failing.every(
    ({ failure }) => failure?.class === 'user_action_required' && isOver(failure.firstAt, days, now),
  );
}
