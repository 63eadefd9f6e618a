import { actorText } from '../domain/actor.js';
import type { AuditEvent } from '../domain/audit_event.js';
import { Refusal } from '../domain/errors.js';
import type { Authorization, Held } from '../domain/narrowing.js';
import { formatScope, type Scope } from '../domain/scope.js';
import { subjectName } from '../domain/subject.js';
import type { TokenParameters } from '../grant_types/grant_type.js';
import type { ClientPolicy } from '../policy.js';
import type { AuditLog, Clock, Log, Random } from '../ports.js';
import type { IssuedToken } from './issue_token.js';
import type { TokenAsked } from './token_asked.js';

export interface RecordDeps {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Whether a `grant_type` is one of ours: other words are the caller's, and not kept. */
  readonly isGrantType: (name: string) => boolean;
}

/** What is known of a request when it is refused; filled phase by phase. */
export interface Progress {
  parameters?: TokenParameters;
  client?: ClientPolicy;
  asked?: TokenAsked;
  known?: ReturnType<typeof heldFacts>;
  authorization?: Authorization;
}

interface Recorded {
  readonly parameters?: TokenParameters;
  readonly correlationId: string;
}

const MOST_RECORDED = 1024;

/** The record of a token, durable once this resolves. */
export async function recordIssued(
  deps: RecordDeps,
  record: Recorded & { authorization: Authorization; issued: IssuedToken; dropped: Scope; mayDrop: boolean },
): Promise<void> {
  const { authorization, issued } = record;
  const now = deps.clock();
  // Assigned and not spread: this is made for every token, and spreading took a seventh of the request's time.
  const facts = Object.assign(requestFacts(deps, record), authorizationFacts(authorization));
  const outcome = {
    at: now,
    type: 'token.issued' as const,
    requestedScope: formatScope(authorization.scope),
    scope: formatScope(issued.scope),
    narrowing: issued.narrowing,
    expiresAt: now + issued.expiresIn * 1000,
  };
  const event: AuditEvent = Object.assign(facts, outcome);
  await deps.audit.append(Object.assign(event, outOfTheOrdinary(record)));
}

function outOfTheOrdinary(record: {
  issued: IssuedToken;
  dropped: Scope;
  mayDrop: boolean;
}): Partial<AuditEvent> {
  const { issued, dropped, mayDrop } = record;
  const { tokenId, wider } = issued;
  return {
    ...(mayDrop ? { scopeOmitted: true as const } : {}),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(dropped.length === 0 ? {} : { droppedScope: formatScope(dropped) }),
    ...(wider.length === 0 ? {} : { widerScope: formatScope(wider) }),
  };
}

/** A refusal stands even when it cannot be recorded; that it could not is then in the log. */
export async function recordRefused(
  deps: RecordDeps,
  record: Recorded & Progress & { error: unknown },
): Promise<void> {
  const { client, known, authorization, error, correlationId } = record;
  const refusal = error instanceof Refusal ? error : undefined;
  try {
    await deps.audit.append({
      ...(client ? { clientId: client.clientId } : {}),
      ...known,
      ...(authorization ? authorizationFacts(authorization) : {}),
      ...requestFacts(deps, record),
      at: deps.clock(),
      type: 'token.refused',
      error: refusal?.code ?? 'server_error',
      reason: refusal?.reason ?? 'a fault of the broker',
    });
  } catch {
    deps.log.error('a refusal could not be recorded', { correlationId });
  }
}

/** Whose authority was presented, and which part of it was asked for; cut, since the words are the caller's. */
export function heldFacts({ subject, resource, grantId }: Held, scope: Scope | undefined) {
  return {
    subject: subjectName(subject),
    resource,
    grantId,
    ...(scope === undefined ? {} : { requestedScope: formatScope(scope).slice(0, MOST_RECORDED) }),
  };
}

function requestFacts(deps: RecordDeps, { parameters, correlationId }: Recorded) {
  const grantType = parameters?.get('grant_type');
  return {
    id: deps.random.uuid(),
    correlationId,
    ...(grantType !== undefined && deps.isGrantType(grantType) ? { grantType } : {}),
  };
}

function authorizationFacts({ subject, clientId, resource, grantId, act }: Authorization) {
  const delegated = act.sub !== clientId || act.act !== undefined;
  return {
    subject: subjectName(subject),
    clientId,
    resource,
    grantId,
    ...(delegated ? { actor: actorText(act) } : {}),
  };
}
