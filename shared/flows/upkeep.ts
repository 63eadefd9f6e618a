import { subjectName } from '../domain/subject.js';
import type { Clock, ConnectionStore, DueIndex, DueItem, Heartbeat, Log } from '../ports.js';
import { type PlanUpkeep, withDueEntry } from './plan_upkeep.js';
import type { RefreshConnection } from './refresh_connection.js';

/** The timer's half of upkeep: takes what is due and hands it out in batches. */
export type FindDue = () => Promise<readonly (readonly DueItem[])[]>;

/** The worker's half: refreshes one batch. One item's trouble never stops the others. */
export type WorkDue = (items: readonly DueItem[]) => Promise<void>;

interface FindDeps {
  readonly due: DueIndex;
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
}

/** Most that one tick hands out: what is left is taken by the next tick, oldest first. */
const TICK_LIMIT = 5000;
const BATCH_SIZE = 32;
/** Handed-out work that nobody finished is handed out again after this, ms. */
const HIDDEN_MS = 5 * 60_000;

export const UPKEEP_HEARTBEAT = 'upkeep';

export function createFindDue({ due, heartbeat, clock }: FindDeps): FindDue {
  return async () => {
    const now = clock();
    const items = await due.take({ now, hiddenUntil: now + HIDDEN_MS, limit: TICK_LIMIT });
    await heartbeat.beat(UPKEEP_HEARTBEAT, now);
    const batches: DueItem[][] = [];
    for (let start = 0; start < items.length; start += BATCH_SIZE) {
      batches.push(items.slice(start, start + BATCH_SIZE));
    }
    return batches;
  };
}

interface WorkDeps {
  readonly connections: ConnectionStore;
  readonly due: DueIndex;
  readonly planUpkeep: PlanUpkeep;
  readonly refresh: RefreshConnection;
  readonly clock: Clock;
  readonly log: Log;
}

export function createWorkDue(deps: WorkDeps): WorkDue {
  return async (items) => {
    for (const item of items) {
      try {
        await workOne(deps, item);
      } catch (error) {
        // The item stays in the index and comes back; only names of ours are logged.
        const name = error instanceof Error ? error.name : 'unknown';
        deps.log.error('upkeep of a connection failed', { subject: subjectName(item.subject), error: name });
      }
    }
  };
}

async function workOne(deps: WorkDeps, item: DueItem): Promise<void> {
  const found = await deps.connections.find(item.subject);
  if (found?.value.state !== 'active' || found.value.dueAt !== item.dueAt) {
    await deps.due.remove(item);
    return;
  }
  const plan = await deps.planUpkeep(found.value);
  const due = plan.filter(({ dueAt }) => dueAt <= deps.clock());
  for (const { target } of due) {
    const outcome = await deps.refresh({
      subject: item.subject,
      target,
      minTtlSeconds: Number.POSITIVE_INFINITY,
      acceptShorter: false,
      cause: 'timer',
      patienceMs: 0,
    });
    if (outcome.kind === 'dead' || outcome.kind === 'absent' || outcome.kind === 'circuit_open') return;
  }
  if (due.length === 0) await reschedule(deps, item);
}

/** Nothing is due after all (a grant has ended, say): the connection moves to its next time, or out of the index. */
async function reschedule(deps: WorkDeps, item: DueItem): Promise<void> {
  const found = await deps.connections.find(item.subject);
  if (!found || found.value.dueAt !== item.dueAt) return;
  const { dueAt: _, ...rest } = found.value;
  const [soonest] = await deps.planUpkeep(found.value);
  const after = soonest === undefined ? rest : { ...rest, dueAt: soonest.dueAt };
  await withDueEntry(deps.due, { before: found.value, after }, () =>
    deps.connections.replace(after, found.etag),
  );
}
