import { operatorAction } from '../domain/audit_event.js';
import type { Failure } from '../domain/refresh_result.js';
import { formatScope } from '../domain/scope.js';
import { subjectName } from '../domain/subject.js';
import type { AuditLog, Clock, ClosedCircuit, FailureLog, Log, Random } from '../ports.js';
import type { AttemptRequest } from './refresh_attempt.js';
import { type RefreshedForDeps, refreshedFor } from './refreshed_for.js';

export interface RecoveryDeps extends RefreshedForDeps {
  readonly failures: FailureLog;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What a success has put an end to. */
interface Ended {
  readonly failure: Failure | undefined;
  readonly closed: ClosedCircuit | undefined;
}

/**
 * The first success after failures is a row beside theirs and an event on the audit: what it was, since when, and how many attempts it
 * took. After the first there is nothing to tell.
 */
export async function recordRecovery(
  deps: RecoveryDeps,
  request: AttemptRequest,
  ended: Ended,
): Promise<void> {
  const from = troubleOf(ended);
  if (!from) return;
  const { subject, target, cause } = request;
  const at = deps.clock();
  const where = {
    subject: subjectName(subject),
    ...(target.resource === undefined ? {} : { resource: target.resource, scope: formatScope(target.scope) }),
  };
  const clients = await refreshedFor(deps, request);
  await deps.failures.append({
    ...{ id: deps.random.uuid(), at, provider: subject.provider, ...where },
    ...{ class: 'recovered', status: 200, cause, clients, action: operatorAction('recovered') },
    ...from,
  });
  await deps.audit.append({
    ...{ id: deps.random.uuid(), at, type: 'connection.recovered', actor: cause, ...where },
    reason: `${from.recoveredFrom}: ${from.error}`,
  });
  deps.log.info('refresh recovered', { class: from.recoveredFrom, attempt: from.attempt, cause });
}

function troubleOf({ failure, closed }: Ended) {
  if (failure) {
    const { class: recoveredFrom, error, codes, count, firstAt } = failure;
    const { attempts = count, failingSince = firstAt } = failure;
    return { recoveredFrom, error, codes, attempt: attempts, failingSince };
  }
  if (closed?.class !== 'broker_misconfigured') return undefined;
  const { class: recoveredFrom, openedAt, count } = closed;
  return { recoveredFrom, error: 'circuit_open', codes: [], attempt: count, failingSince: openedAt };
}
