import type { AuditEvent } from '../domain/audit_event.js';
import { Refusal } from '../domain/errors.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type { AuditLog, Clock, Log, Random } from '../ports.js';

/** What is on record of a user's request that is turned down. */
export interface Attempt {
  readonly type: 'connection.refused' | 'grant.refused';
  readonly subject: Subject;
  readonly correlationId: string;
}

/** Facts of a request that become known while it is worked on. */
export type Note = (facts: Pick<AuditEvent, 'clientId' | 'resource' | 'requestedScope'>) => void;

export type Audited = <T>(attempt: Attempt, run: (note: Note) => Promise<T>) => Promise<T>;

interface Deps {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Puts what an identified user was refused on the audit. The refusal stands even when it cannot be recorded; that is then in the log. */
export function createAudited(deps: Deps): Audited {
  return async ({ type, subject, correlationId }, run) => {
    let facts: Parameters<Note>[0] = {};
    try {
      return await run((more) => {
        facts = { ...facts, ...more };
      });
    } catch (error) {
      const refusal = error instanceof Refusal ? error : undefined;
      try {
        await deps.audit.append({
          ...facts,
          id: deps.random.uuid(),
          at: deps.clock(),
          type,
          subject: subjectName(subject),
          error: refusal?.code ?? 'server_error',
          reason: refusal?.reason ?? 'a fault of the broker',
          correlationId,
        });
      } catch {
        deps.log.error('a refusal could not be recorded', { correlationId });
      }
      throw error;
    }
  };
}
