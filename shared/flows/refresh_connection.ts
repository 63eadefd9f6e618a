import type { RefreshCause } from '../domain/audit_event.js';
import { type Connection, isClaimed, type KeptToken, type Target } from '../domain/connection.js';
import type { Failure } from '../domain/refresh_result.js';
import { registrationsOf } from '../domain/registration.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type { CircuitStore, Clock, ConnectionStore, LiveToken, Random, Vault, Versioned } from '../ports.js';
import type { RefreshAttempt } from './refresh_attempt.js';
import { forgetRescued, type RescueDeps, rescued } from './rescue.js';
import { serve, serveEnough } from './serve_kept.js';

export interface RefreshRequest {
  readonly subject: Subject;
  readonly target: Target;
  /** A kept token that lives at least this much longer is served without a refresh, seconds; infinite always refreshes. */
  readonly minTtlSeconds: number;
  /** Whatever was had since then is enough, ms: somebody else has done what was planned at that time. */
  readonly hadSince?: number;
  /** Serve a kept token with less left than that when the provider cannot be used just now. */
  readonly acceptShorter: boolean;
  readonly cause: RefreshCause;
  /** Who asked, where it was a client. Of several who wait together one is named. */
  readonly clientId?: string;
  /** How long to wait for somebody else's refresh, ms. */
  readonly patienceMs: number;
  /** Asked before the provider is, at most once; what it throws is the answer. */
  readonly mayAsk?: () => Promise<void>;
}

export type RefreshOutcome =
  | { readonly kind: 'fresh'; readonly token: LiveToken }
  /** Done, with nothing to hand out: the bare credential was proven alive. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'circuit_open'; readonly registration: string; readonly until: number }
  | { readonly kind: 'dead' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'busy' };

export type RefreshConnection = (request: RefreshRequest) => Promise<RefreshOutcome>;

export interface RefreshDeps extends RescueDeps {
  readonly connections: ConnectionStore;
  readonly circuits: CircuitStore;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: (ms: number) => Promise<void>;
  readonly attempt: RefreshAttempt;
  /** Counts a call for somebody who waits against the provider's rate. */
  readonly countCall?: (provider: string) => Promise<void>;
}

const POLL_MS = 100;
/** While one call tests a circuit that may close, others keep off for so long, ms. */
const PROBE_MS = 30_000;

/**
 * The one way a connection is refreshed, for the timer's worker and the token endpoint alike: serve what is fresh; claim by etag;
 * read again; refresh; commit by etag. Losers of the claim wait and are served what the winner stored.
 */
export function createRefreshConnection(deps: RefreshDeps): RefreshConnection {
  return async (request) => {
    const deadline = deps.clock() + request.patienceMs;
    for (;;) {
      const outcome = await tryOnce(deps, request);
      if (outcome.kind !== 'busy' || deps.clock() >= deadline) return outcome;
      await deps.sleep(POLL_MS + (deps.random.bytes(1)[0] ?? 0));
    }
  };
}

async function tryOnce(deps: RefreshDeps, request: RefreshRequest): Promise<RefreshOutcome> {
  const { subject, target } = request;
  const mayServe = request.minTtlSeconds !== Number.POSITIVE_INFINITY;
  const [found, beside] = await Promise.all([
    deps.connections.find(subject),
    mayServe ? deps.connections.keptToken(subject, target) : undefined,
  ]);
  if (!found || found.value.state === 'ended') return { kind: 'absent' };
  if (found.value.state === 'dead') return { kind: 'dead' };
  const connection = found.value;
  const served = mayServe && (await serveEnough(deps, { kept: beside, connection, request }));
  if (served) return served;
  // Read beside the connection it may be older than that: what was stored in between must not be asked for a second time.
  const kept = await deps.connections.keptToken(subject, target);
  const stored = await serveEnough(deps, { kept, connection, request });
  if (stored) return stored;
  const outcome = await refreshNow(deps, { found, kept, request });
  const shorter = request.acceptShorter && isPassing(outcome);
  return (shorter && (await serve(deps, { kept, connection, minTtlSeconds: 1 }))) || outcome;
}

/** What says nothing against the user: what was issued before is still theirs, and served rather than waited for. */
function isPassing(outcome: RefreshOutcome): boolean {
  if (outcome.kind === 'busy' || outcome.kind === 'circuit_open') return true;
  if (outcome.kind !== 'failed') return false;
  return outcome.failure.class === 'transient' || outcome.failure.class === 'broker_misconfigured';
}

async function refreshNow(
  deps: RefreshDeps,
  what: { found: Versioned<Connection>; kept: KeptToken | undefined; request: RefreshRequest },
): Promise<RefreshOutcome> {
  const { found, request } = what;
  const now = deps.clock();
  const kept = what.kept?.enrolment === found.value.enrolment ? what.kept : undefined;
  if (kept?.failure && mustWait(kept.failure, now)) return { kind: 'failed', failure: kept.failure };
  const circuits = await circuitsOf(deps, request);
  const open = circuits.find(({ until }) => until > now);
  if (open) return { kind: 'circuit_open', ...open };
  if (isClaimed(found, deps.rulesOf(request.subject.provider).rotation)) return { kind: 'busy' };
  await request.mayAsk?.();
  if (request.cause === 'token') await deps.countCall?.(request.subject.provider);
  const until = now + PROBE_MS;
  for (const { registration } of circuits) {
    const mine = await deps.circuits.takeProbe(registration, { until, now });
    if (!mine) return { kind: 'circuit_open', registration, until };
  }
  const claimed = await claim(deps, found, deps.random.uuid());
  if (!claimed) return { kind: 'busy' };
  const probing = circuits.map(({ registration }) => registration);
  return deps.attempt(claimed, kept, { ...request, probing, claimedAt: now });
}

/** The circuits that were opened and not closed since, of all registrations the request needs. */
async function circuitsOf(deps: RefreshDeps, { subject, target }: RefreshRequest) {
  const needed = registrationsOf(subject.provider, target.facade);
  const read = await Promise.all(
    needed.map(async (registration) => ({
      registration,
      until: await deps.circuits.openUntil(registration),
    })),
  );
  return read.flatMap(({ registration, until }) => (until === undefined ? [] : [{ registration, until }]));
}

/** The provider is left alone until the time of the next attempt; for ever when there is none. */
function mustWait({ nextAttemptAt }: Failure, now: number): boolean {
  return nextAttemptAt === undefined || nextAttemptAt > now;
}

/**
 * Marks the connection as being refreshed and reads it back with its new etag. The SDK may have retried a mark that was applied and
 * report a conflict: what counts is whose attempt the row names. A claim that is still there says that an attempt was left open: what it
 * may have put aside takes its place in the same write. Where none is there, the second place is not asked.
 */
async function claim(
  deps: RefreshDeps,
  found: Versioned<Connection>,
  attemptId: string,
): Promise<Versioned<Connection> | undefined> {
  const put = found.value.claim ? await rescued(deps, found.value) : undefined;
  await deps.connections.replace({ ...(put ?? found.value), claim: { attemptId } }, found.etag);
  const after = await deps.connections.find(found.value.subject);
  if (after?.value.claim?.attemptId !== attemptId) return undefined;
  if (put) {
    deps.log.warn('a rescued refresh token is back in its place', { subject: subjectName(put.subject) });
    await forgetRescued(deps, put);
  }
  return after;
}
