import { operatorAction } from '../domain/audit_event.js';
import { type Connection, deathOf, type KeptToken, targetKey, unclaimed } from '../domain/connection.js';
import { heldBack } from '../domain/death_guard.js';
import {
  addFailure,
  cappedRetryAfter,
  type Failure,
  type ProviderFailure,
  type Verdict,
} from '../domain/refresh_result.js';
import { registrationOf } from '../domain/registration.js';
import { subjectKey, subjectName } from '../domain/subject.js';
import type { Versioned } from '../ports.js';
import { closeCircuit, openCircuit } from './circuit.js';
import { commitConnection } from './commit_connection.js';
import type { AttemptRequest } from './refresh_attempt.js';
import type { RefreshOutcome } from './refresh_connection.js';
import { refreshedFor } from './refreshed_for.js';
import { forgetRescued, type RescueDeps, rescued } from './rescue.js';
import { planAfter, type StoreDeps } from './store_refreshed.js';
import type { Successor } from './successor.js';

export interface FailedAttempt {
  readonly claimed: Versioned<Connection>;
  readonly kept: KeptToken | undefined;
  readonly request: AttemptRequest;
  readonly failure: ProviderFailure;
  /** Set where we, not the provider, turned the answer down. */
  readonly verdict?: Verdict;
  /** A refresh token that is stored although nothing else of the answer is. */
  readonly successor?: Successor;
}

export type RecordFailure = (attempt: FailedAttempt) => Promise<RefreshOutcome>;

type Deps = StoreDeps &
  RescueDeps & {
    /** False where a death is one of too many to be believed. */
    readonly mayBury?: (provider: string) => Promise<boolean>;
  };

/** One circuit opening, ms: long enough not to hammer, short enough that a mended secret works at once. */
const CIRCUIT_MS = 60_000;

/** Books a failed attempt: its row in the failure log, then what it means for the connection. */
export function createRecordFailure(deps: Deps): RecordFailure {
  return async (attempt) => {
    const { claimed, request } = attempt;
    const verdict = attempt.verdict ?? verdictOn(deps, attempt);
    if (verdict.class !== 'transient' && (await lostRace(deps, claimed))) return { kind: 'busy' };
    if (verdict.class === 'grant_dead' && (await putBack(deps, claimed))) return { kind: 'busy' };
    const failure = addFailure(attempt.kept?.failure, attempt.failure, verdict, {
      now: deps.clock(),
      seed: `${subjectKey(claimed.value.subject)}:${targetKey(request.target)}`,
    });
    // A refresh token that waits for its place goes there before anything is told.
    const outcome = attempt.successor ? await postpone(deps, attempt, failure) : undefined;
    await writeFailureRow(deps, attempt, failure);
    await tellEverybody(deps, attempt, verdict);
    if (outcome) return outcome;
    if (verdict.opensCircuit) return keepOff(deps, attempt);
    if (verdict.class === 'grant_dead') return buryOrHold(deps, attempt, failure);
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

/** Nor is one whose successor was put aside by somebody who came too late to store it. */
async function putBack(deps: Deps, before: Versioned<Connection>): Promise<boolean> {
  const after = await rescued(deps, before.value);
  if (!after) return false;
  const outcome = await commitConnection(deps, { before, after: unclaimed(after) });
  if (outcome === 'stored') await forgetRescued(deps, after);
  return true;
}

async function writeFailureRow(deps: Deps, attempt: FailedAttempt, failure: Failure): Promise<void> {
  const { claimed, request } = attempt;
  const { status, error, suberror, claims, codes, traceId, facade } = attempt.failure;
  const { resource, scope } = request.target;
  const clients = await refreshedFor(deps, request);
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
    ...(claims === undefined ? {} : { claims }),
    ...(traceId === undefined ? {} : { traceId }),
    ...(facade === undefined ? {} : { facade }),
    attempt: failure.count,
    failingSince: failure.failingSince ?? failure.firstAt,
    ...(failure.nextAttemptAt === undefined ? {} : { nextAttemptAt: failure.nextAttemptAt }),
    cause: request.cause,
    clients,
    action: operatorAction(failure.class),
  });
  deps.log.warn('refresh failed', {
    class: failure.class,
    error,
    attempt: failure.count,
    cause: request.cause,
  });
}

/** What one user's attempt says about the provider or the app registration, everybody is to know. */
async function tellEverybody(deps: Deps, attempt: FailedAttempt, verdict: Verdict): Promise<void> {
  const { status, retryAfterSeconds: asked } = attempt.failure;
  const registration = registrationAsked(attempt);
  const fromProbe = attempt.request.probing.includes(registration);
  if (verdict.opensCircuit) {
    const until = deps.clock() + CIRCUIT_MS;
    await openCircuit(deps, registration, { until, class: 'broker_misconfigured', fromProbe });
  } else if (verdict.class === 'transient' && isForAll(status) && asked !== undefined) {
    const until = deps.clock() + cappedRetryAfter(asked) * 1000;
    await openCircuit(deps, registration, { until, class: 'transient', fromProbe });
  }
  for (const works of attempt.request.probing.filter((name) => worked(attempt, verdict, name))) {
    await closeCircuit(deps, works);
  }
}

function isForAll(status: number): boolean {
  return status === 429 || status === 503;
}

/** The registration that the failing call was made with. */
function registrationAsked({ claimed, failure }: FailedAttempt): string {
  return registrationOf(claimed.value.subject.provider, failure.facade);
}

/**
 * Whether an attempt that failed has shown all the same that a registration is accepted: a facade was asked with a token that the
 * provider's own had got; and where it was the user who was turned down, the registration was not.
 */
function worked(attempt: FailedAttempt, verdict: Verdict, registration: string): boolean {
  if (registration !== registrationAsked(attempt)) return attempt.failure.facade !== undefined;
  return !verdict.opensCircuit && verdict.class !== 'transient';
}

/** Our own credential was refused: nothing of the user's changes but the claim that is given back. */
async function keepOff(deps: Deps, attempt: FailedAttempt): Promise<RefreshOutcome> {
  const { claimed } = attempt;
  await commitConnection(deps, { before: claimed, after: unclaimed(claimed.value) });
  const until = deps.clock() + CIRCUIT_MS;
  return { kind: 'circuit_open', registration: registrationAsked(attempt), until };
}

/** Where too many die at once the death is not believed: everything stays, and is tried again. */
async function buryOrHold(deps: Deps, attempt: FailedAttempt, failure: Failure): Promise<RefreshOutcome> {
  const { subject } = attempt.claimed.value;
  if (!deps.mayBury || (await deps.mayBury(subject.provider))) return bury(deps, attempt.claimed, failure);
  return postpone(deps, attempt, heldBack(failure, deps.clock(), subjectKey(subject)));
}

/** A dead credential opens nothing any more: it is wiped, with every token that came of it. */
async function bury(deps: Deps, claimed: Versioned<Connection>, failure: Failure): Promise<RefreshOutcome> {
  const { dueAt: _, refreshToken: __, previous: ___, ...rest } = unclaimed(claimed.value);
  const kept = await deps.connections.keptTokens(rest.subject);
  const outcome = await commitConnection(deps, {
    before: claimed,
    after: { ...rest, state: 'dead' },
    drop: kept.map(({ target }) => target),
  });
  if (outcome === 'lost') return { kind: 'busy' };
  await deps.audit.append({
    id: deathOf(claimed.value),
    at: deps.clock(),
    type: 'connection.died',
    subject: subjectName(claimed.value.subject),
    reason: failure.error,
  });
  return { kind: 'dead' };
}

/** The failure is kept beside the token it concerns; a token that still lives stays. */
async function postpone(deps: Deps, attempt: FailedAttempt, failure: Failure): Promise<RefreshOutcome> {
  const { claimed, kept, request, successor } = attempt;
  const { subject, enrolment, generation } = claimed.value;
  const held: KeptToken = {
    ...(kept ?? { subject, target: request.target, enrolment, generation }),
    failure,
  };
  const connection = withoutOld(successor?.connection ?? unclaimed(claimed.value), deps.clock());
  const rescue = successor?.rescue ? { rescue: successor.rescue } : {};
  const { after, drop } = await planAfter(deps, { connection, kept: held, ...rescue });
  const outcome = await commitConnection(deps, { before: claimed, after, keep: [held], drop, ...rescue });
  return outcome === 'lost' ? { kind: 'busy' } : { kind: 'failed', failure };
}

/** A predecessor whose time has passed is of use to nobody but a thief. */
function withoutOld(connection: Connection, now: number): Connection {
  if (connection.previous === undefined || connection.previous.until > now) return connection;
  const { previous: _, ...rest } = connection;
  return rest;
}
