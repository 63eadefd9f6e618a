import { type Connection, isClaimed } from '../domain/connection.js';
import { subjectName } from '../domain/subject.js';
import type { ConnectionStore, SpilledCredential, Versioned } from '../ports.js';
import { type RescueDeps, withRescued } from './rescue.js';

interface Deps extends RescueDeps {
  readonly connections: ConnectionStore;
}

/** How long a successor may lie where no one has come for it, ms. */
const KEPT_MS = 30 * 86_400_000;
const PAGE_SIZE = 100;

/**
 * Goes through the second place: a successor whose connection waits for it is put back, one that is of no use to anybody any more (stored
 * since, of an earlier enrolment, of a connection that is over) is removed. One item's trouble never stops the others.
 */
export function createSweepSpill(deps: Deps): () => Promise<void> {
  return async () => {
    let cursor: string | undefined;
    do {
      const page = await deps.spill.list({ limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) });
      if (page.unreadable > 0) {
        deps.log.error('rows of the second place cannot be read, and stay', { count: page.unreadable });
      }
      for (const item of page.items) await sweepSafely(deps, item);
      cursor = page.cursor;
    } while (cursor !== undefined);
  };
}

async function sweepSafely(deps: Deps, item: SpilledCredential): Promise<void> {
  try {
    await sweep(deps, item);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    const subject = subjectName(item.subject);
    deps.log.error('a rescued refresh token could not be looked after', { subject, error: name });
  }
}

async function sweep(deps: Deps, item: SpilledCredential): Promise<void> {
  const found = await deps.connections.find(item.subject);
  const put = found && withRescued(found.value, item);
  const isOld = deps.clock() - item.spilledAt > KEPT_MS;
  if (!found || !put || isOld) return deps.spill.remove(item);
  // Whoever holds the connection may be about to store it, and whoever claims it next looks here first.
  if (isHeld(deps, found)) return;
  // A claim that has ended would hold anew with this write.
  const { claim: _, ...after } = put;
  if (!(await deps.connections.replace(after, found.etag))) return;
  deps.log.warn('a rescued refresh token is back in its place', { subject: subjectName(item.subject) });
  await deps.spill.remove(item);
}

function isHeld(deps: Deps, found: Versioned<Connection>): boolean {
  return isClaimed(found, deps.rulesOf(found.value.subject.provider).rotation);
}
