import type { AuditEvent } from '../domain/audit_event.js';
import type { AuditLog, Clock, Log, Random } from '../ports.js';

interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface BoundedRefusals {
  /** The log, which takes no flood of refusals in. */
  readonly audit: AuditLog;
  /** Writes what is counted and not yet on record: for the end of the process. */
  flush(): Promise<void>;
}

const WINDOW_MS = 60_000;
/** Refusals of one client, or of one user, that are written one by one in a window. */
const MOST_EACH = 300;
/** Clients and users told apart in a window; those beyond are counted as one. */
const MOST_KEYS = 10_000;
/** Everybody who did not prove who they are, together: what they say of themselves must not open a count of its own. */
const NOBODY = '';

/** The refusals of one client or user in one window that have no row. */
interface Unwritten {
  readonly key: string;
  readonly sample: AuditEvent;
  seen: number;
  readonly errors: Map<string, number>;
}

/**
 * Keeps a flood of refused requests from being a flood of rows. The first refusals of a window are written whole; the rest are counted, and
 * one row says how many there were and why, written with the next row after the window or when the process ends. What is issued, ended or
 * revoked is never counted: it is written. A killed process loses the count of its last window, never a row.
 */
export function withBoundedRefusals(audit: AuditLog, deps: Deps): BoundedRefusals {
  let windowStart = 0;
  let keys = new Map<string, Unwritten>();

  const summarise = async (): Promise<void> => {
    const unwritten = [...keys.values()].filter(({ errors }) => errors.size > 0);
    keys = new Map();
    const written = await Promise.allSettled(
      unwritten.map((count) => audit.append(summaryOf(count, { id: deps.random.uuid(), at: deps.clock() }))),
    );
    const lost = written.filter(({ status }) => status === 'rejected').length;
    if (lost > 0) deps.log.error('counts of refusals could not be recorded', { count: lost });
  };
  const turnWindow = async (): Promise<void> => {
    const start = Math.floor(deps.clock() / WINDOW_MS);
    if (start === windowStart) return;
    windowStart = start;
    await summarise();
  };
  const isOneTooMany = (event: AuditEvent): boolean => {
    const own = keyOf(event);
    const key = keys.has(own) || keys.size < MOST_KEYS ? own : NOBODY;
    const count = keys.get(key) ?? { key, sample: event, seen: 0, errors: new Map<string, number>() };
    keys.set(key, count);
    count.seen += 1;
    if (count.seen <= MOST_EACH) return false;
    const error = event.error ?? 'unknown';
    count.errors.set(error, (count.errors.get(error) ?? 0) + 1);
    return true;
  };
  return {
    audit: {
      query: (query) => audit.query(query),
      async append(event) {
        const turned = turnWindow();
        const isCounted = isRefusal(event) && isOneTooMany(event);
        await Promise.all([turned, isCounted ? undefined : audit.append(event)]);
      },
    },
    flush: summarise,
  };
}

function isRefusal({ type }: AuditEvent): boolean {
  return type === 'token.refused' || type === 'grant.refused' || type === 'connection.refused';
}

/** A token request is its client's once that is proven; everything else is its user's. */
function keyOf({ type, clientId, subject }: AuditEvent): string {
  const whose = type === 'token.refused' ? clientId : subject;
  return whose === undefined ? NOBODY : `${type}:${whose}`;
}

function summaryOf({ key, sample, errors }: Unwritten, row: { id: string; at: number }): AuditEvent {
  const byError = [...errors].sort(([, a], [, b]) => b - a);
  const { type, clientId, subject } = sample;
  const isOfClient = type === 'token.refused' && key !== NOBODY;
  const isOfUser = type !== 'token.refused' && key !== NOBODY;
  return {
    ...row,
    type,
    ...(isOfClient && clientId !== undefined ? { clientId } : {}),
    ...(isOfUser && subject !== undefined ? { subject } : {}),
    count: byError.reduce((sum, [, count]) => sum + count, 0),
    reason: `more refusals within a minute: ${byError.map(([error, count]) => `${error} ${count}`).join(', ')}`,
  };
}
