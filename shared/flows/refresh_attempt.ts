import { type Connection, type KeptToken, surplus, type Target } from '../domain/connection.js';
import type { ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { registrationOf } from '../domain/registration.js';
import { accessTokenSeal, refreshTokenSeal } from '../domain/seal_context.js';
import { sameSubject, subjectName } from '../domain/subject.js';
import type {
  AuditLog,
  CircuitStore,
  Clock,
  ConnectionStore,
  DueIndex,
  Log,
  Provider,
  ProviderTokens,
  Random,
  Tokens,
  Vault,
  Versioned,
} from '../ports.js';
import type { ProviderRules } from '../providers/rules.js';
import { commitConnection } from './commit_connection.js';
import type { PlanUpkeep } from './plan_upkeep.js';
import type { RecordFailure } from './record_failure.js';
import type { RefreshOutcome, RefreshRequest } from './refresh_connection.js';

/** A request whose connection is claimed. `probing`: registrations whose circuit was open; this call tests whether it may close. */
export type AttemptRequest = RefreshRequest & { readonly probing: readonly string[] };

/** One provider call under a claim, and the commit of whatever came of it. */
export type RefreshAttempt = (
  claimed: Versioned<Connection>,
  kept: KeptToken | undefined,
  request: AttemptRequest,
) => Promise<RefreshOutcome>;

export interface AttemptDeps {
  readonly connections: ConnectionStore;
  readonly circuits: CircuitStore;
  readonly due: DueIndex;
  readonly vault: Vault;
  readonly provider: Provider;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly tokens: Tokens;
  readonly audit: AuditLog;
  readonly recordFailure: RecordFailure;
  readonly planUpkeep: PlanUpkeep;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A predecessor is kept this long at providers that go on honouring it, ms. */
const PREVIOUS_KEPT_MS = 24 * 3_600_000;

export function createRefreshAttempt(deps: AttemptDeps): RefreshAttempt {
  return async (claimed, kept, request) => {
    const connection = claimed.value;
    if (connection.refreshToken === undefined) throw new Error('an active connection has no credential');
    const refreshToken = await deps.vault.open(connection.refreshToken, refreshTokenSeal(connection));
    const answer = await deps.provider.refresh(connection.subject, refreshToken, request.target);
    if (!answer.ok && answer.failure.facade !== undefined) await closeOwn(deps, connection, request);
    if (!answer.ok) return deps.recordFailure({ claimed, kept, request, failure: answer.failure });
    const doubt = doubtOf(deps, connection, answer.tokens);
    if (doubt) return deps.recordFailure({ claimed, kept, request, ...doubt });
    for (const registration of request.probing) await deps.circuits.close(registration);
    return store(deps, { claimed, request, tokens: answer.tokens, refreshToken });
  };
}

/** A facade was asked with a token that the provider's own registration had got: that one works again. */
async function closeOwn(
  { circuits }: AttemptDeps,
  { subject }: Connection,
  { probing }: AttemptRequest,
): Promise<void> {
  const own = registrationOf(subject.provider, undefined);
  if (probing.includes(own)) await circuits.close(own);
}

/**
 * Identity continuity: a refresh that comes back for another user is never stored, and ends the connection (OpenID Connect Core §12.2).
 * One that names nobody proves nothing either way: it is not stored, and asked again later.
 */
function doubtOf(
  deps: AttemptDeps,
  { subject }: Connection,
  { idToken }: ProviderTokens,
): { failure: ProviderFailure; verdict: Verdict } | undefined {
  const named = idToken === undefined ? undefined : deps.tokens.subjectOf(subject.provider, idToken);
  if (named && sameSubject(named, subject)) return undefined;
  return named
    ? { failure: refused('subject_changed'), verdict: { class: 'grant_dead' } }
    : { failure: refused('subject_unproven'), verdict: { class: 'broker_misconfigured' } };
}

function refused(error: string): ProviderFailure {
  return { status: 200, error, codes: [] };
}

interface Refreshed {
  readonly claimed: Versioned<Connection>;
  readonly request: AttemptRequest;
  readonly tokens: ProviderTokens;
  /** What was redeemed: kept when the provider returned no successor. */
  readonly refreshToken: string;
}

async function store(deps: AttemptDeps, refreshed: Refreshed): Promise<RefreshOutcome> {
  const { claimed, request, tokens } = refreshed;
  const next = await succeed(deps, refreshed);
  const kept = await keep(deps, next, { target: request.target, tokens });
  const [soonest] = await deps.planUpkeep(next, [kept]);
  const { dueAt: _, ...rest } = next;
  const after: Connection = soonest === undefined ? rest : { ...rest, dueAt: soonest.dueAt };
  const drop = surplus(await deps.connections.keptTokens(next.subject), [kept], deps.clock());
  const outcome = await commitConnection(deps, { before: claimed, after, keep: [kept], drop });
  if (outcome === 'lost') return { kind: 'busy' };
  await recordRefreshed(deps, after, request);
  if (request.target.resource === undefined) return { kind: 'alive' };
  const expiresAt = kept.token?.expiresAt ?? deps.clock();
  return { kind: 'fresh', token: { accessToken: tokens.accessToken, scope: tokens.scope, expiresAt } };
}

/** The connection one generation on. The old token is kept aside where the provider still honours it. */
async function succeed(deps: AttemptDeps, refreshed: Refreshed): Promise<Connection> {
  const { claim, previous: _, ...connection } = refreshed.claimed.value;
  const now = deps.clock();
  const owner = { ...connection, generation: connection.generation + 1 };
  const successor = refreshed.tokens.refreshToken ?? refreshed.refreshToken;
  const keepsOld = deps.rulesOf(connection.subject.provider).rotation === 'replace-keep-old';
  const old = refreshed.tokens.refreshToken === undefined ? undefined : connection.refreshToken;
  return {
    ...owner,
    refreshToken: await deps.vault.seal(successor, refreshTokenSeal(owner)),
    ...(keepsOld && old ? { previous: { refreshToken: old, until: now + PREVIOUS_KEPT_MS } } : {}),
    refreshedAt: now,
    ...(claim ? { lastAttemptId: claim.attemptId } : {}),
  };
}

async function keep(
  deps: AttemptDeps,
  owner: Connection,
  { target, tokens }: { target: Target; tokens: ProviderTokens },
): Promise<KeptToken> {
  const now = deps.clock();
  const { subject, enrolment, generation } = owner;
  const wanted = target.resource !== undefined;
  const sealed = wanted
    ? await deps.vault.seal(tokens.accessToken, accessTokenSeal(owner, target))
    : undefined;
  return {
    subject,
    target,
    enrolment,
    generation,
    token: {
      ...(sealed === undefined ? {} : { sealed }),
      scope: tokens.scope,
      obtainedAt: now,
      expiresAt: now + tokens.expiresIn * 1000,
    },
  };
}

async function recordRefreshed(
  deps: AttemptDeps,
  { subject }: Connection,
  request: AttemptRequest,
): Promise<void> {
  const { resource, scope } = request.target;
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: 'connection.refreshed',
    subject: subjectName(subject),
    actor: request.cause,
    ...(resource === undefined ? {} : { resource, scope: scope.join(' ') }),
  });
}
