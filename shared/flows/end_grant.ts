import { unavailable } from '../domain/errors.js';
import type { GrantEndedBy } from '../domain/grant.js';
import { subjectName } from '../domain/subject.js';
import type { AuditLog, Clock, GrantStore, Random } from '../ports.js';

interface Deps {
  readonly grants: GrantStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

const WRITE_TRIES = 5;

/** Ends one grant, whoever else is writing it. False when there is none. */
export async function endGrant(
  deps: Deps,
  grantId: string,
  by: { by: GrantEndedBy; correlationId: string },
): Promise<boolean> {
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const found = await deps.grants.find(grantId);
    if (!found) return false;
    if (found.value.ended) return true;
    const ended = { ...found.value, ended: { at: deps.clock(), by: by.by } };
    if (!(await deps.grants.replace(ended, found.etag))) continue;
    await deps.audit.append({
      id: deps.random.uuid(),
      at: deps.clock(),
      type: 'grant.ended',
      subject: subjectName(ended.subject),
      clientId: ended.clientId,
      resource: ended.resource,
      grantId,
      reason: by.by,
      correlationId: by.correlationId,
    });
    return true;
  }
  throw unavailable('the grant is being changed by others', 1);
}
