import type { Connection } from '../domain/connection.js';
import { unavailable } from '../domain/errors.js';
import { grantState } from '../domain/grant.js';
import { refreshTokenSeal } from '../domain/seal_context.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type {
  AuditLog,
  Clock,
  ConnectionStore,
  DueIndex,
  GrantStore,
  Provider,
  Random,
  Vault,
} from '../ports.js';
import { credentialKindOf, type ProviderRules } from '../providers/rules.js';
import { endGrant } from './end_grant.js';
import { withDueEntry } from './plan_upkeep.js';

/** What came of asking the provider to revoke the credential too. */
export type ProviderRevocation = 'revoked' | 'failed' | 'not_supported' | 'nothing_held';

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
  readonly provider: Provider;
  readonly vault: Vault;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

const WRITE_TRIES = 5;

/**
 * Ends a connection by leaving a tombstone: grants first, so that a crash half-way leaves less authority and never more; then the
 * credential and every kept token are wiped from the row. Last the provider is asked to end it too: whatever comes of that, nothing is
 * held here any more. Ending again finishes what a crash has left.
 */
export function createEndConnection(deps: Deps): EndConnection {
  return async (subject, correlationId) => {
    const found = await deps.connections.find(subject);
    if (!found || found.value.state === 'ended') return undefined;
    const before = await endGrants(deps, subject, correlationId);
    const buried = await bury(deps, subject);
    // A grant made in between must not come to life with the next connection.
    const since = await endGrants(deps, subject, correlationId);
    const revocation = await revokeAtProvider(deps, buried);
    await deps.audit.append({
      id: deps.random.uuid(),
      at: deps.clock(),
      type: 'connection.ended',
      subject: subjectName(subject),
      reason: `at the provider: ${revocation}`,
      correlationId,
    });
    return { grantsEnded: before + since, revocation };
  };
}

async function endGrants(deps: Deps, subject: Subject, correlationId: string): Promise<number> {
  const grants = await deps.grants.ofSubject(subject);
  const live = grants.filter(({ value }) => grantState(value, deps.clock()) === 'live');
  const by = { by: 'connection_ended' as const, correlationId };
  for (const { value } of live) await endGrant(deps, value.grantId, by);
  return live.length;
}

/** @returns the connection as it was */
async function bury(deps: Deps, subject: Subject): Promise<Connection | undefined> {
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const found = await deps.connections.find(subject);
    if (!found || found.value.state === 'ended') return undefined;
    const kept = await deps.connections.keptTokens(subject);
    const after = tombstone(found.value, deps.clock());
    const drop = kept.map((token) => token.target);
    const write = () => deps.connections.replace(after, found.etag, { drop });
    if (await withDueEntry(deps.due, { before: found.value, after }, write)) return found.value;
  }
  throw unavailable('the connection is being changed by others', 1);
}

/** The provider's own trouble, or a credential that does not open, never keeps anybody from ending a connection. */
async function revokeAtProvider(deps: Deps, connection: Connection | undefined): Promise<ProviderRevocation> {
  if (connection?.refreshToken === undefined) return 'nothing_held';
  const { subject, credentialKind = 'refresh_token' } = connection;
  try {
    if (credentialKind !== credentialKindOf(deps.rulesOf(subject.provider))) return 'not_supported';
    const credential = await deps.vault.open(connection.refreshToken, refreshTokenSeal(connection));
    return await deps.provider.revoke(subject.provider, credential);
  } catch {
    return 'failed';
  }
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
