import { registrationOf } from '../domain/registration.js';
import { subjectName } from '../domain/subject.js';
import type { Clock, ConnectionStore, DueIndex, DueItem, Heartbeat, Log } from '../ports.js';
import { type PlanUpkeep, withDueEntry } from './plan_upkeep.js';
import type { RefreshConnection, RefreshOutcome } from './refresh_connection.js';

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

/** A provider that hangs holds one of these, not the whole batch. */
const AT_ONCE = 8;
/** After this nothing more is begun, so that a batch ends well within the platform's time-out for a function, ms. */
const BUDGET_MS = 2 * 60_000;

export function createWorkDue(deps: WorkDeps): WorkDue {
  return async (items) => {
    const startedAt = deps.clock();
    const waiting = [...items];
    const next = () => (deps.clock() - startedAt < BUDGET_MS ? waiting.shift() : undefined);
    const worker = async (): Promise<void> => {
      for (let item = next(); item; item = next()) await workSafely(deps, item);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
}

async function workSafely(deps: WorkDeps, item: DueItem): Promise<void> {
  try {
    await workOne(deps, item);
  } catch (error) {
    // The item stays in the index and comes back; only names of ours are logged.
    const name = error instanceof Error ? error.name : 'unknown';
    deps.log.error('upkeep of a connection failed', { subject: subjectName(item.subject), error: name });
  }
}

/**
 * An item says when to look, not what to do: that follows from the connection as it is now. So an item too many costs a look, and an item
 * whose connection was never written to match, as a crash leaves it, still does its work.
 */
async function workOne(deps: WorkDeps, item: DueItem): Promise<void> {
  const lookedAt = deps.clock();
  const found = await deps.connections.find(item.subject);
  if (found?.value.state !== 'active') return deps.due.remove(item);
  const plan = await deps.planUpkeep(found.value);
  const due = plan.filter(({ dueAt }) => dueAt <= deps.clock());
  for (const { target } of due) {
    const outcome = await deps.refresh({
      subject: item.subject,
      target,
      minTtlSeconds: Number.POSITIVE_INFINITY,
      hadSince: lookedAt,
      acceptShorter: false,
      cause: 'timer',
      patienceMs: 0,
    });
    if (endsWork(outcome, item)) return;
  }
  if (due.length === 0) await settle(deps, item);
}

/** Nothing else of this connection can be refreshed now either. A facade that is refused concerns its own targets alone. */
function endsWork(outcome: RefreshOutcome, { subject }: DueItem): boolean {
  if (outcome.kind === 'circuit_open')
    return outcome.registration === registrationOf(subject.provider, undefined);
  return outcome.kind === 'dead' || outcome.kind === 'absent';
}

/** Brings connection and index in step where no refresh has done so: the connection gets its next time, and the item goes. */
async function settle(deps: WorkDeps, item: DueItem): Promise<void> {
  const found = await deps.connections.find(item.subject);
  if (found?.value.state !== 'active') return deps.due.remove(item);
  const [soonest] = await deps.planUpkeep(found.value);
  // Still due: somebody else has it, or it could not be done. The item comes back.
  if (soonest && soonest.dueAt <= deps.clock()) return;
  const { dueAt: known, ...rest } = found.value;
  if (soonest?.dueAt !== known) {
    const after = soonest === undefined ? rest : { ...rest, dueAt: soonest.dueAt };
    const write = () => deps.connections.replace(after, found.etag);
    if (!(await withDueEntry(deps.due, { before: found.value, after }, write))) return;
  }
  if (soonest?.dueAt !== item.dueAt) await deps.due.remove(item);
}
