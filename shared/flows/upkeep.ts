import { type Target, targetKey, withAgedClaim } from '../domain/connection.js';
import { fraction } from '../domain/digest.js';
import { isNearEnd } from '../domain/near_end.js';
import { registrationOf } from '../domain/registration.js';
import { subjectKey } from '../domain/subject.js';
import type { Clock, ConnectionStore, DueIndex, DueItem } from '../ports.js';
import type { DeathGuard } from './death_guard.js';
import type { InLane } from './lanes.js';
import { type PlanUpkeep, withDueEntry } from './plan_upkeep.js';
import type { ProviderBudget } from './provider_budget.js';
import type { RefreshConnection, RefreshOutcome } from './refresh_connection.js';
import type { SetAside } from './set_aside.js';

/** The worker's half: refreshes one batch. One item's trouble never stops the others. */
export type WorkDue = (items: readonly DueItem[]) => Promise<void>;

interface Deps {
  readonly connections: ConnectionStore;
  readonly due: DueIndex;
  readonly planUpkeep: PlanUpkeep;
  readonly refresh: RefreshConnection;
  readonly budget: ProviderBudget;
  readonly inLane: InLane;
  readonly setAside: SetAside;
  readonly deathGuard: DeathGuard;
  /** In which a token that was served is renewed, seconds. */
  readonly windowSeconds: number;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A user whose provider call hangs holds one of these, not the whole batch. */
const AT_ONCE = 8;
/** After this nothing more is begun, so that a batch ends well within the platform's time-out for a function, ms. */
const BATCH_MS = 2 * 60_000;
/** What found no room in the provider's rate is put back to within so long after there is some, ms. */
const SPREAD_MS = 30_000;
const MOST_WAITS = 30;

export function createWorkDue(deps: Deps): WorkDue {
  return async (items) => {
    const until = deps.clock() + BATCH_MS;
    const waiting = [...items];
    const next = () => (deps.clock() < until ? waiting.shift() : undefined);
    const worker = async (): Promise<void> => {
      for (let item = next(); item; item = next()) await workSafely(deps, item, until);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
}

async function workSafely(deps: Deps, item: DueItem, until: number): Promise<void> {
  try {
    await workOne(deps, item, until);
    if (item.held) await letGo(deps, item);
  } catch (error) {
    // Where even that fails the item stays in the index and comes back.
    await deps.setAside.item(item, error).catch(() => undefined);
  }
}

/** Only where it is known to have an entry of its own again, or to need none: until then this one is all that brings it back. */
async function letGo(deps: Deps, item: DueItem): Promise<void> {
  const found = await deps.connections.find(item.subject);
  const { state, dueAt } = found?.value ?? {};
  if (state === 'active' && dueAt !== undefined && dueAt <= deps.clock()) return;
  await deps.setAside.recovered(item.subject);
  if (state !== 'active' || dueAt !== item.dueAt) await deps.due.remove(item);
}

/**
 * An item says when to look, not what to do: that follows from the connection as it is now. So an item too many costs a look, and an item
 * whose connection was never written to match, as a crash leaves it, still does its work.
 */
async function workOne(deps: Deps, item: DueItem, until: number): Promise<void> {
  const lookedAt = deps.clock();
  const { provider } = item.subject;
  const found = await deps.connections.find(item.subject);
  if (found?.value.state !== 'active') return deps.due.remove(item);
  const plan = await deps.planUpkeep(found.value);
  const due = plan.filter(({ dueAt }) => dueAt <= deps.clock()).map(({ target }) => target);
  if (await isServedNearEnd(deps, item, due)) due.push(...(item.target ? [item.target] : []));
  for (const target of due) {
    const room = await roomFor(deps, provider, until);
    if (!room.ok) return postpone(deps, item, room.retryAt);
    const outcome = await deps.inLane(provider, () =>
      deps.refresh({
        subject: item.subject,
        target,
        minTtlSeconds: Number.POSITIVE_INFINITY,
        hadSince: lookedAt,
        acceptShorter: false,
        cause: 'timer',
        patienceMs: 0,
      }),
    );
    if (survived(outcome)) await deps.deathGuard.survived(provider);
    if (endsWork(outcome, item)) return;
  }
  if (due.length === 0) await settle(deps, item);
}

/** The provider has answered, and not that the credential is gone. A death is counted where it is booked. */
function survived({ kind }: RefreshOutcome): boolean {
  return kind === 'fresh' || kind === 'alive';
}

/** Whether the token that was handed over is still the old one, and no grant's plan has it already. */
async function isServedNearEnd(
  deps: Deps,
  { subject, target }: DueItem,
  due: readonly Target[],
): Promise<boolean> {
  if (!target || due.some((planned) => targetKey(planned) === targetKey(target))) return false;
  const kept = await deps.connections.keptToken(subject, target);
  return kept?.token !== undefined && isNearEnd(kept.token, deps.windowSeconds, deps.clock());
}

/** Nothing else of this connection can be refreshed now either. A facade that is refused concerns its own targets alone. */
function endsWork(outcome: RefreshOutcome, { subject }: DueItem): boolean {
  if (outcome.kind === 'circuit_open')
    return outcome.registration === registrationOf(subject.provider, undefined);
  return outcome.kind === 'dead' || outcome.kind === 'absent';
}

type Room = Awaited<ReturnType<ProviderBudget['forTimer']>>;

/** Waits for room in the provider's rate as long as the batch has time: what is put back costs writes, and comes only with the next run. */
async function roomFor(deps: Deps, provider: string, until: number): Promise<Room> {
  let room = await deps.budget.forTimer(provider);
  for (let waits = 0; !room.ok && room.retryAt < until && waits < MOST_WAITS; waits++) {
    await deps.sleep(Math.max(10, room.retryAt - deps.clock()));
    room = await deps.budget.forTimer(provider);
  }
  return room;
}

/** Later, and not lost: the new entry stands before the old one goes. */
async function postpone(deps: Deps, item: DueItem, retryAt: number): Promise<void> {
  const dueAt = Math.ceil(retryAt + SPREAD_MS * fraction(`${subjectKey(item.subject)}:${retryAt}`));
  await deps.due.put({ ...item, dueAt });
  await deps.due.remove(item);
}

/** Brings connection and index in step where no refresh has done so: the connection gets its next time, and the item goes. */
async function settle(deps: Deps, item: DueItem): Promise<void> {
  const found = await deps.connections.find(item.subject);
  if (found?.value.state !== 'active') return deps.due.remove(item);
  const [soonest] = await deps.planUpkeep(found.value);
  // Still due: somebody else has it, or it could not be done. The item comes back.
  if (soonest && soonest.dueAt <= deps.clock()) return;
  const { dueAt: known, ...rest } = withAgedClaim(found);
  if (soonest?.dueAt !== known) {
    const after = soonest === undefined ? rest : { ...rest, dueAt: soonest.dueAt };
    const write = () => deps.connections.replace(after, found.etag);
    if (!(await withDueEntry(deps.due, { before: found.value, after }, write))) return;
  }
  if (soonest?.dueAt !== item.dueAt) await deps.due.remove(item);
}
