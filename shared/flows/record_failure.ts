import { operatorAction } from '../domain/audit_event.js';
import { type Connection, type KeptToken, surplus, targetKey } from '../domain/connection.js';
import { addFailure, type Failure, type ProviderFailure, type Verdict } from '../domain/refresh_result.js';
import { registrationOf } from '../domain/registration.js';
import { subjectKey, subjectName } from '../domain/subject.js';
import type { FailureLog, Versioned } from '../ports.js';
import { commitConnection } from './commit_connection.js';
import type { AttemptDeps, AttemptRequest } from './refresh_attempt.js';
import type { RefreshOutcome } from './refresh_connection.js';

export interface FailedAttempt {
  readonly claimed: Versioned<Connection>;
  readonly kept: KeptToken | undefined;
  readonly request: AttemptRequest;
  readonly failure: ProviderFailure;
  /** Set where we, not the provider, turned the answer down. */
  readonly verdict?: Verdict;
}

export type RecordFailure = (attempt: FailedAttempt) => Promise<RefreshOutcome>;

type Deps = Omit<AttemptDeps, 'recordFailure' | 'provider' | 'tokens'> & { readonly failures: FailureLog };

/** One circuit opening, ms: long enough not to hammer, short enough that a mended secret works at once. */
const CIRCUIT_MS = 60_000;

/** Books a failed attempt: its row in the failure log, then what it means for the connection. */
export function createRecordFailure(deps: Deps): RecordFailure {
  return async (attempt) => {
    const verdict = attempt.verdict ?? verdictOn(deps, attempt);
    if (verdict.class !== 'transient' && (await lostRace(deps, attempt.claimed))) return { kind: 'busy' };
    const failure = addFailure(attempt.kept?.failure, attempt.failure, verdict, {
      now: deps.clock(),
      seed: `${subjectKey(attempt.claimed.value.subject)}:${targetKey(attempt.request.target)}`,
    });
    await writeFailureRow(deps, attempt, failure);
    if (verdict.opensCircuit) return openCircuit(deps, attempt);
    if (verdict.class === 'grant_dead') return bury(deps, attempt, failure);
    return postpone(deps, attempt, failure);
  };
}

function verdictOn(deps: Deps, { claimed, kept, failure }: FailedAttempt): Verdict {
  return deps.rulesOf(claimed.value.subject.provider).classify(failure, kept?.failure);
}

/** A token refused because somebody else has redeemed it and stored its successor is no failure at all. */
async function lostRace(deps: Deps, claimed: Versioned<Connection>): Promise<boolean> {
  const found = await deps.connections.find(claimed.value.subject);
  if (!found) return true;
  const { generation, enrolment } = found.value;
  return generation !== claimed.value.generation || enrolment !== claimed.value.enrolment;
}

async function writeFailureRow(deps: Deps, attempt: FailedAttempt, failure: Failure): Promise<void> {
  const { claimed, request } = attempt;
  const { status, error, suberror, codes, traceId, facade } = attempt.failure;
  const { resource, scope } = request.target;
  await deps.failures.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    subject: subjectName(claimed.value.subject),
    provider: claimed.value.subject.provider,
    ...(resource === undefined ? {} : { resource, scope: scope.join(' ') }),
    class: failure.class,
    status,
    error,
    codes,
    ...(suberror === undefined ? {} : { suberror }),
    ...(traceId === undefined ? {} : { traceId }),
    ...(facade === undefined ? {} : { facade }),
    attempt: failure.count,
    ...(failure.nextAttemptAt === undefined ? {} : { nextAttemptAt: failure.nextAttemptAt }),
    cause: request.cause,
    action: operatorAction(failure.class),
  });
  deps.log.warn('refresh failed', {
    class: failure.class,
    error,
    attempt: failure.count,
    cause: request.cause,
  });
}

/** Our own credential was refused: everybody waits, and nothing of the user's changes but the claim that is given back. */
async function openCircuit(deps: Deps, { claimed, failure }: FailedAttempt): Promise<RefreshOutcome> {
  const until = deps.clock() + CIRCUIT_MS;
  const { provider } = claimed.value.subject;
  const registration = registrationOf(provider, failure.facade);
  await deps.circuits.open(registration, until);
  deps.log.error('the provider refuses the app registration', { provider, facade: failure.facade });
  await commitConnection(deps, { before: claimed, after: unclaimed(claimed.value) });
  return { kind: 'circuit_open', registration, until };
}

/** A dead credential opens nothing any more: it is wiped, with every token that came of it. */
async function bury(deps: Deps, { claimed }: FailedAttempt, failure: Failure): Promise<RefreshOutcome> {
  const { dueAt: _, refreshToken: __, previous: ___, ...rest } = unclaimed(claimed.value);
  const kept = await deps.connections.keptTokens(rest.subject);
  const outcome = await commitConnection(deps, {
    before: claimed,
    after: { ...rest, state: 'dead' },
    drop: kept.map(({ target }) => target),
  });
  if (outcome === 'lost') return { kind: 'busy' };
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: 'connection.died',
    subject: subjectName(claimed.value.subject),
    reason: failure.error,
  });
  return { kind: 'dead' };
}

/** The failure is kept beside the token it concerns; a token that still lives stays. */
async function postpone(deps: Deps, attempt: FailedAttempt, failure: Failure): Promise<RefreshOutcome> {
  const { claimed, kept, request } = attempt;
  const { subject, enrolment, generation } = claimed.value;
  const held: KeptToken = {
    ...(kept ?? { subject, target: request.target, enrolment, generation }),
    failure,
  };
  const { dueAt: _, ...rest } = unclaimed(claimed.value);
  const [soonest] = await deps.planUpkeep(rest, [held]);
  const after = soonest === undefined ? rest : { ...rest, dueAt: soonest.dueAt };
  const drop = surplus(await deps.connections.keptTokens(subject), [held], deps.clock());
  const outcome = await commitConnection(deps, { before: claimed, after, keep: [held], drop });
  return outcome === 'lost' ? { kind: 'busy' } : { kind: 'failed', failure };
}

/** The claim given back, and the attempt named as the last writer. */
function unclaimed(connection: Connection): Connection {
  const { claim, ...rest } = connection;
  return claim ? { ...rest, lastAttemptId: claim.attemptId } : rest;
}
