import type { HttpHandler, HttpRequest } from '@azure/functions';
import { AUDIT_EVENT_TYPES, type AuditEvent, type RefreshFailure } from '../domain/audit_event.js';
import { Refusal } from '../domain/errors.js';
import { REFRESH_CLASSES } from '../domain/refresh_result.js';
import { subjectName } from '../domain/subject.js';
import type { AuditLog, AuditMatch, Clock, FailureLog, FailureMatch, LogQuery, Random } from '../ports.js';
import { isoTime, json } from './answers.js';
import type { Caller, Identify } from './caller.js';
import { type Call, type CommonOptions, createEndpoint } from './endpoint.js';
import { assertFilters, readLimit, readQuery, readTime } from './query.js';

export interface AuditDeps {
  readonly identify: Identify;
  readonly audit: AuditLog;
  readonly failures: FailureLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly endpoint: CommonOptions;
}

const AUDITOR_ROLE = 'Audit.Read';
const DAY = 86_400_000;
/** Without `from` the last week is shown: enough for most questions, and bounded. */
const PRESET_SPAN = 7 * DAY;
const LIMIT = { preset: 100, most: 1000 };
/** Rows written in the same moment as the query are in it. */
const AHEAD = 60_000;
const RANGE = ['from', 'to', 'limit', 'cursor'] as const;
const CLASSES = [...REFRESH_CLASSES, 'recovered'];

/** `GET /audit/events`, newest first. */
export function createAuditEventsHandler(deps: AuditDeps): HttpHandler {
  return auditEndpoint(deps, async (request) => {
    const query = readQuery(request, [...RANGE, 'type', 'subject', 'client_id', 'resource', 'grant_id']);
    assertFilters(query);
    assertOneOf('type', query.type, AUDIT_EVENT_TYPES);
    const match: Partial<AuditMatch> = {
      ...(query.type === undefined ? {} : { type: query.type }),
      ...(query.subject === undefined ? {} : { subject: query.subject }),
      ...(query.client_id === undefined ? {} : { clientId: query.client_id }),
      ...(query.resource === undefined ? {} : { resource: query.resource }),
      ...(query.grant_id === undefined ? {} : { grantId: query.grant_id }),
    };
    const page = await deps.audit.query({ ...rangeOf(query, deps.clock()), match });
    return { events: page.items.map(eventBody), ...nextCursor(page.cursor) };
  });
}

/** `GET /audit/refresh-failures`, newest first. */
export function createRefreshFailuresHandler(deps: AuditDeps): HttpHandler {
  return auditEndpoint(deps, async (request) => {
    const query = readQuery(request, [...RANGE, 'subject', 'provider', 'class', 'resource', 'client_id']);
    assertFilters(query);
    assertOneOf('class', query.class, CLASSES);
    const match: Partial<FailureMatch> = {
      ...(query.subject === undefined ? {} : { subject: query.subject }),
      ...(query.provider === undefined ? {} : { provider: query.provider }),
      ...(query.class === undefined ? {} : { class: query.class }),
      ...(query.resource === undefined ? {} : { resource: query.resource }),
      ...(query.client_id === undefined ? {} : { clientId: query.client_id }),
    };
    const page = await deps.failures.query({ ...rangeOf(query, deps.clock()), match });
    return { failures: page.items.map(failureBody), ...nextCursor(page.cursor) };
  });
}

/** Auditors only, users or apps; and reading the audit is itself on the audit. */
function auditEndpoint(
  deps: AuditDeps,
  run: (request: HttpRequest) => Promise<Record<string, unknown>>,
): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['GET'] };
  return createEndpoint(options, async (call) => {
    const caller = await deps.identify(call.request);
    if (!caller.roles.includes(AUDITOR_ROLE)) {
      throw new Refusal('forbidden', { description: `this needs the role ${AUDITOR_ROLE}` });
    }
    const body = await run(call.request);
    await recordRead(deps, caller, call);
    return json(200, body);
  });
}

async function recordRead(deps: AuditDeps, caller: Caller, { request, correlationId }: Call): Promise<void> {
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: 'audit.read',
    actor: caller.kind === 'user' ? subjectName(caller.subject) : `app:${caller.appId}`,
    reason: new URL(request.url).pathname,
    correlationId,
  });
}

function rangeOf(
  query: { from?: string; to?: string; limit?: string; cursor?: string },
  now: number,
): Omit<LogQuery<never>, 'match'> {
  const to = readTime('to', query.to) ?? now + AHEAD;
  const from = readTime('from', query.from) ?? to - PRESET_SPAN;
  if (from >= to) throw new Refusal('invalid_parameter', { description: 'from must be before to' });
  const limit = readLimit(query.limit, LIMIT);
  return {
    from: Math.max(0, from),
    to,
    limit,
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  };
}

function assertOneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value)) {
    throw new Refusal('invalid_parameter', { description: `${name} must be one of ${allowed.join(', ')}` });
  }
}

function nextCursor(cursor: string | undefined): { next_cursor?: string } {
  return cursor === undefined ? {} : { next_cursor: cursor };
}

function eventBody(event: AuditEvent): Record<string, unknown> {
  return {
    id: event.id,
    at: isoTime(event.at),
    type: event.type,
    subject: event.subject,
    client_id: event.clientId,
    actor: event.actor,
    resource: event.resource,
    requested_scope: event.requestedScope,
    scope: event.scope,
    dropped_scope: event.droppedScope,
    wider_scope: event.widerScope,
    narrowing: event.narrowing,
    grant_id: event.grantId,
    grant_type: event.grantType,
    token_id: event.tokenId,
    expires_at: event.expiresAt === undefined ? undefined : isoTime(event.expiresAt),
    error: event.error,
    reason: event.reason,
    correlation_id: event.correlationId,
    scope_omitted: event.scopeOmitted,
    count: event.count,
    policy_hash: event.policyHash,
    policy_revision: event.policyRevision,
  };
}

function failureBody(failure: RefreshFailure): Record<string, unknown> {
  return {
    id: failure.id,
    at: isoTime(failure.at),
    subject: failure.subject,
    provider: failure.provider,
    resource: failure.resource,
    scope: failure.scope,
    class: failure.class,
    status: failure.status,
    error: failure.error,
    suberror: failure.suberror,
    claims: failure.claims,
    codes: failure.codes,
    trace_id: failure.traceId,
    facade: failure.facade,
    attempt: failure.attempt,
    failing_since: failure.failingSince === undefined ? undefined : isoTime(failure.failingSince),
    recovered_from: failure.recoveredFrom,
    next_attempt_at: failure.nextAttemptAt === undefined ? undefined : isoTime(failure.nextAttemptAt),
    cause: failure.cause,
    client_ids: failure.clients,
    action: failure.action,
  };
}
