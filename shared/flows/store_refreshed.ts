import { type Connection, type KeptToken, surplus, type Target } from '../domain/connection.js';
import { formatScope } from '../domain/scope.js';
import { subjectName } from '../domain/subject.js';
import type { ClosedCircuit, ConnectionStore, DueIndex, ProviderTokens, Versioned } from '../ports.js';
import { type CircuitDeps, closeCircuit } from './circuit.js';
import { commitConnection } from './commit_connection.js';
import type { PlanUpkeep } from './plan_upkeep.js';
import { type RecoveryDeps, recordRecovery } from './record_recovery.js';
import type { AttemptRequest } from './refresh_attempt.js';
import type { RefreshOutcome } from './refresh_connection.js';
import type { Successor } from './successor.js';

export interface StoreDeps extends CircuitDeps, RecoveryDeps {
  readonly connections: ConnectionStore;
  readonly due: DueIndex;
  readonly planUpkeep: PlanUpkeep;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Refreshed {
  readonly claimed: Versioned<Connection>;
  /** What was kept before. */
  readonly kept: KeptToken | undefined;
  readonly request: AttemptRequest;
  readonly successor: Successor;
  readonly tokens: ProviderTokens;
}

/** Stores what a provider has answered, and only then says what it was. */
export async function storeRefreshed(deps: StoreDeps, refreshed: Refreshed): Promise<RefreshOutcome> {
  const { claimed, kept: before, request, successor, tokens } = refreshed;
  const { after, drop } = await planAfter(deps, successor);
  const { kept, rescue } = successor;
  const outcome = await commitConnection(deps, {
    ...{ before: claimed, after, keep: [kept], drop },
    ...(rescue ? { rescue } : {}),
  });
  if (outcome === 'lost') return { kind: 'busy' };
  const closed = await closeAll(deps, request.probing);
  await recordRefreshed(deps, request, tokens);
  await recordRecovery(deps, request, { failure: before?.failure, closed });
  if (request.target.resource === undefined) return { kind: 'alive' };
  const { obtainedAt, expiresAt } = kept.token ?? { obtainedAt: deps.clock(), expiresAt: deps.clock() };
  const { accessToken, scope } = tokens;
  return { kind: 'fresh', token: { accessToken, scope, obtainedAt, expiresAt } };
}

/** The first of them that it was for us to close. */
async function closeAll(
  deps: StoreDeps,
  registrations: readonly string[],
): Promise<ClosedCircuit | undefined> {
  const closed: ClosedCircuit[] = [];
  for (const registration of registrations) {
    const circuit = await closeCircuit(deps, registration);
    if (circuit) closed.push(circuit);
  }
  return closed[0];
}

interface Planned {
  readonly after: Connection;
  readonly drop: readonly Target[];
}

/**
 * When to look next, and what need not be kept. Where that cannot be told the successor is stored as it is: its entry in the due index
 * stays where it was, and is brought in step by whoever looks next.
 */
export async function planAfter(deps: StoreDeps, { connection, kept, rescue }: Successor): Promise<Planned> {
  try {
    const stored = await deps.connections.keptTokens(connection.subject);
    const [soonest] = await deps.planUpkeep(connection, { changed: [kept], stored });
    const drop = surplus(stored, [kept], deps.clock());
    const { dueAt: _, ...rest } = connection;
    return { after: soonest === undefined ? rest : { ...rest, dueAt: soonest.dueAt }, drop };
  } catch {
    deps.log.warn('the next refresh could not be planned', { subject: subjectName(connection.subject) });
    await rescue?.put();
    return { after: connection, drop: [] };
  }
}

async function recordRefreshed(
  deps: StoreDeps,
  { subject, target, cause }: AttemptRequest,
  { scope }: ProviderTokens,
): Promise<void> {
  const asked = formatScope(target.scope);
  const granted = formatScope(scope);
  const { resource } = target;
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: 'connection.refreshed',
    subject: subjectName(subject),
    actor: cause,
    ...(resource === undefined ? {} : { resource, scope: granted }),
    ...(resource === undefined || granted === asked ? {} : { requestedScope: asked }),
  });
}
