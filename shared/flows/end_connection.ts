import type { Connection } from '../domain/connection.js';
import { unavailable } from '../domain/errors.js';
import { grantState } from '../domain/grant.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type { AuditLog, Clock, ConnectionStore, DueIndex, GrantStore, Random } from '../ports.js';
import type { ProviderRules } from '../providers/rules.js';
import { endGrant } from './end_grant.js';
import { withDueEntry } from './plan_upkeep.js';

/** What came of asking the provider to revoke the credential too. */
export type ProviderRevocation = 'not_supported';

export interface EndedConnection {
  readonly grantsEnded: number;
  readonly revocation: ProviderRevocation;
}

/** Undefined when there is no connection to end. */
export type EndConnection = (subject: Subject, correlationId: string) => Promise<EndedConnection | undefined>;

interface Deps {
  readonly connections: ConnectionStore;
  readonly grants: GrantStore;
  readonly due: DueIndex;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

const WRITE_TRIES = 5;

/**
 * Ends a connection by leaving a tombstone: grants first, so that a crash half-way leaves less authority and never more; then the
 * credential and every kept token are wiped from the row. Ending again finishes what a crash has left.
 */
export function createEndConnection(deps: Deps): EndConnection {
  return async (subject, correlationId) => {
    const found = await deps.connections.find(subject);
    if (!found || found.value.state === 'ended') return undefined;
    const before = await endGrants(deps, subject, correlationId);
    await bury(deps, subject);
    // A grant made in between must not come to life with the next connection.
    const since = await endGrants(deps, subject, correlationId);
    await deps.audit.append({
      id: deps.random.uuid(),
      at: deps.clock(),
      type: 'connection.ended',
      subject: subjectName(subject),
      correlationId,
    });
    return { grantsEnded: before + since, revocation: 'not_supported' };
  };
}

async function endGrants(deps: Deps, subject: Subject, correlationId: string): Promise<number> {
  const grants = await deps.grants.ofSubject(subject);
  const live = grants.filter(({ value }) => grantState(value, deps.clock()) === 'live');
  const by = { by: 'connection_ended' as const, correlationId };
  for (const { value } of live) await endGrant(deps, value.grantId, by);
  return live.length;
}

async function bury(deps: Deps, subject: Subject): Promise<void> {
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const found = await deps.connections.find(subject);
    if (!found || found.value.state === 'ended') return;
    const kept = await deps.connections.keptTokens(subject);
    const after = tombstone(found.value, deps.clock());
    const drop = kept.map((token) => token.target);
    const write = () => deps.connections.replace(after, found.etag, { drop });
    if (await withDueEntry(deps.due, { before: found.value, after }, write)) return;
  }
  throw unavailable('the connection is being changed by others', 1);
}

function tombstone(connection: Connection, now: number): Connection {
  const { subject, enrolment, generation, createdAt, renewedAt, refreshedAt } = connection;
  return {
    subject,
    state: 'ended',
    enrolment,
    generation: generation + 1,
    createdAt,
    renewedAt,
    refreshedAt,
    endedAt: now,
  };
}
