import { type Connection, deathOf } from '../domain/connection.js';
import { diedEvent } from '../domain/event.js';
import { type Grant, grantState } from '../domain/grant.js';
import { type CredentialLimits, predictedEnds } from '../domain/predicted_end.js';
import { connectionEntry } from '../domain/quarantine.js';
import { type Patience, type Reaping, type ReapReason, reapingsOf } from '../domain/reap.js';
import { subjectName } from '../domain/subject.js';
import { warningOf } from '../domain/warning.js';
import type {
  Archive,
  Clock,
  ConnectionStore,
  DueIndex,
  GrantStore,
  Log,
  Outbox,
  Quarantine,
  Random,
  Versioned,
} from '../ports.js';
import type { EndConnection } from './end_connection.js';
import type { Publish } from './publish.js';

/** What one slice, or a whole round, has found. */
export interface SweepReport {
  readonly connections: number;
  readonly unreadable: number;
  readonly reaped: Readonly<Record<ReapReason, number>>;
  /** Connections that had fallen out of the due index. */
  readonly mended: number;
  readonly forgotten: number;
}

export interface Sweep {
  /** Goes on where the last slice ended; a round a day. */
  slice(): Promise<SweepReport>;
  /** Looks at everything and changes nothing. */
  dryRun(): Promise<SweepReport>;
}

interface Deps {
  readonly archive: Archive;
  readonly connections: ConnectionStore;
  readonly grants: GrantStore;
  readonly due: DueIndex;
  readonly outbox: Outbox;
  readonly quarantine: Quarantine;
  readonly endConnection: EndConnection;
  readonly publish: Publish;
  readonly limitsOf: (provider: string) => CredentialLimits;
  readonly patience: Patience;
  /** 0 keeps the failure log for ever. */
  readonly failuresKeptDays: number;
  /** Of rows and messages in quarantine; 0 keeps them for ever. */
  readonly quarantineKeptDays: number;
  /** App registrations whose secret is known to end, with when, ms. */
  readonly registrations: readonly { readonly name: string; readonly expiresAt: number }[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const DAY = 86_400_000;
const ROUND_MS = DAY;
const PAGE = 500;
/** A slice takes no more than this, well within the platform's time-out for a function, ms. */
const SLICE_MS = 60_000;
const AT_ONCE = 8;
const FORGOTTEN_AT_ONCE = 5000;
/** Longer than anybody's retry of one piece of work, so that what is on its way is not taken for lost, ms. */
const LOST_AFTER_MS = 2 * 3_600_000;
const EVENTS_KEPT_MS = 60 * DAY;

export function createSweep(deps: Deps): Sweep {
  let eventsGoneUntil = 0;
  /** What is old among the events is not a key range: once all that is has gone, they are looked through again after a day. */
  const forgetEvents = async (now: number): Promise<number> => {
    if (now < eventsGoneUntil) return 0;
    const gone = await deps.outbox.forget(now - EVENTS_KEPT_MS, FORGOTTEN_AT_ONCE);
    if (gone < FORGOTTEN_AT_ONCE) eventsGoneUntil = now + ROUND_MS;
    return gone;
  };
  return {
    async slice() {
      const now = deps.clock();
      const count = counter();
      count.forgotten += (await forget(deps, now)) + (await forgetEvents(now));
      const position = await deps.archive.position();
      if (position && position.after === undefined && now - position.startedAt < ROUND_MS) return count;
      const startedAt = position?.after === undefined ? now : position.startedAt;
      if (position?.after === undefined) {
        count.forgotten += await forgetQuarantine(deps, now);
        await warnOfRegistrations(deps, now);
      }
      let after = position?.after;
      do {
        after = await page(deps, { after, apply: true, count });
        await deps.archive.setPosition({ startedAt, ...(after === undefined ? {} : { after }) });
      } while (after !== undefined && deps.clock() - now < SLICE_MS);
      deps.log.info('swept', { connections: count.connections, mended: count.mended, ...count.reaped });
      return count;
    },
    async dryRun() {
      const count = counter();
      let after: string | undefined;
      do after = await page(deps, { after, apply: false, count });
      while (after !== undefined);
      return count;
    },
  };
}

type Counter = { -readonly [K in keyof Omit<SweepReport, 'reaped'>]: number } & {
  readonly reaped: Record<ReapReason, number>;
};

function counter(): Counter {
  const reaped = { ended: 0, dead: 0, grant_over: 0, idle: 0, unreachable: 0 };
  return { connections: 0, unreadable: 0, reaped, mended: 0, forgotten: 0 };
}

interface Round {
  readonly after: string | undefined;
  readonly apply: boolean;
  readonly count: Counter;
}

async function page(deps: Deps, { after, apply, count }: Round): Promise<string | undefined> {
  const found = await deps.archive.connections({ limit: PAGE, ...(after === undefined ? {} : { after }) });
  count.connections += found.items.length;
  count.unreadable += found.unreadable;
  const waiting = [...found.items];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      await visitSafely(deps, next, { apply, count });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found.after;
}

async function visitSafely(
  deps: Deps,
  connection: Connection,
  how: { apply: boolean; count: Counter },
): Promise<void> {
  try {
    await visit(deps, connection, how);
  } catch (error) {
    // The next round meets it again.
    const name = error instanceof Error ? error.name : 'unknown';
    deps.log.warn('a connection could not be swept', {
      subject: subjectName(connection.subject),
      error: name,
    });
  }
}

async function visit(
  deps: Deps,
  connection: Connection,
  { apply, count }: { apply: boolean; count: Counter },
): Promise<void> {
  const now = deps.clock();
  const grants = await deps.grants.ofSubject(connection.subject);
  const values = grants.map(({ value }) => value);
  const kept = connection.state === 'active' ? await deps.connections.keptTokens(connection.subject) : [];
  for (const reaping of reapingsOf({ connection, grants: values, kept }, deps.patience, now)) {
    if (!apply || (await reap(deps, { connection, grants, reaping }))) count.reaped[reaping.reason] += 1;
  }
  const live = values.filter((grant) => grantState(grant, now) === 'live');
  if (apply && connection.state === 'dead') await tellDeath(deps, connection, now);
  if (connection.state !== 'active' || live.length === 0) return;
  if (isLost(connection, now) && !(await isSetAside(deps, connection))) {
    count.mended += 1;
    if (apply) await deps.due.put({ subject: connection.subject, dueAt: connection.dueAt ?? now });
  }
  if (apply) await warn(deps, { connection, live, now });
}

/** Long overdue: its entry in the index may have been lost. One that is there still is not doubled, since it has the same key. */
function isLost({ dueAt }: Connection, now: number): boolean {
  return dueAt !== undefined && now - dueAt > LOST_AFTER_MS;
}

/** It has an entry in the index, for another time than its own: one more would be one more each day. */
async function isSetAside({ quarantine }: Deps, { subject }: Connection): Promise<boolean> {
  return (await quarantine.find(connectionEntry(subject))) !== undefined;
}

async function reap(
  deps: Deps,
  {
    connection,
    grants,
    reaping,
  }: { connection: Connection; grants: readonly Versioned<Grant>[]; reaping: Reaping },
): Promise<boolean> {
  const { subject } = connection;
  if (reaping.kind === 'remove_grant') {
    const grant = grants.find(({ value }) => value.grantId === reaping.grantId);
    return grant !== undefined && deps.archive.removeGrant(grant);
  }
  // Read again: what was decided on is only removed as long as it is still that.
  const found = await deps.connections.find(subject);
  if (!found || found.value.state !== connection.state || found.value.enrolment !== connection.enrolment) {
    return false;
  }
  if (reaping.kind === 'remove') return deps.archive.removeConnection(found);
  if (!(await isStillDue(deps, found.value, reaping))) return false;
  deps.log.info('a connection is ended', { subject: subjectName(subject), reason: reaping.reason });
  return (await deps.endConnection(subject, `sweep ${deps.random.uuid()}`)) !== undefined;
}

/** To end a connection ends its grants: one that was given since it was decided on says that it is needed. */
async function isStillDue(deps: Deps, connection: Connection, { reason }: Reaping): Promise<boolean> {
  const { grants, connections, patience, clock } = deps;
  const given = (await grants.ofSubject(connection.subject)).map(({ value }) => value);
  const kept = await connections.keptTokens(connection.subject);
  const seen = { connection, grants: given, kept };
  return reapingsOf(seen, patience, clock()).some((now) => now.kind === 'end' && now.reason === reason);
}

/** Whoever buried it may not have got the news out. Where it did, this is the same event; once that may be forgotten there is none. */
async function tellDeath({ publish }: Deps, connection: Connection, now: number): Promise<void> {
  const at = Math.max(connection.refreshedAt, connection.renewedAt);
  if (now - at >= EVENTS_KEPT_MS) return;
  const about = { id: deathOf(connection), subject: subjectName(connection.subject), at: now };
  await publish(diedEvent({ ...about, reason: 'found dead by the daily round' }));
}

async function warn(
  deps: Deps,
  { connection, live, now }: { connection: Connection; live: readonly Grant[]; now: number },
): Promise<void> {
  const subject = subjectName(connection.subject);
  const ends = predictedEnds(connection, deps.limitsOf(connection.subject.provider));
  const soonest = ends.find(({ threatensFrom }) => now >= threatensFrom);
  const connect = 'ask the user to sign in and connect again before then';
  const events = [
    soonest &&
      warningOf('connection.dying', { subject, what: soonest.cause, at: soonest.at, action: connect }, now),
    ...live.map(({ clientId, createdAt, expiresAt, grantId }) => {
      const what = `grant of ${clientId} (${grantId.slice(-6)})`;
      const action = 'ask the user to allow it again before then, if it is still needed';
      return warningOf('grant.expiring', { subject, what, at: expiresAt, since: createdAt, action }, now);
    }),
  ];
  for (const event of events) if (event) await deps.publish(event);
}

async function warnOfRegistrations({ registrations, publish }: Deps, now: number): Promise<void> {
  const action = 'add a new secret to the app registration, set it here, then remove the old one';
  for (const { name, expiresAt } of registrations) {
    const end = { subject: name, what: 'client secret', at: expiresAt, action };
    const event = warningOf('registration.credential_expiring', end, now);
    if (event) await publish(event);
  }
}

/** Connections leave by themselves; a row that was taken out and a message that was given up would lie there for ever. */
async function forgetQuarantine({ quarantine, quarantineKeptDays }: Deps, now: number): Promise<number> {
  if (quarantineKeptDays === 0) return 0;
  return quarantine.forget(now - quarantineKeptDays * DAY, FORGOTTEN_AT_ONCE);
}

async function forget(deps: Deps, now: number): Promise<number> {
  const { archive, failuresKeptDays } = deps;
  const failures =
    failuresKeptDays > 0 ? await archive.forgetFailures(now - failuresKeptDays * DAY, FORGOTTEN_AT_ONCE) : 0;
  const ids = await archive.forgetTokenIds(now - DAY, FORGOTTEN_AT_ONCE);
  return failures + ids;
}
