import type { Connection, KeptToken, Target } from '../domain/connection.js';
import type { Clock, ConnectionStore, DueIndex, Versioned } from '../ports.js';
import { withDueEntry } from './plan_upkeep.js';
import type { Rescue } from './rescue.js';

interface Deps {
  readonly connections: ConnectionStore;
  readonly due: DueIndex;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface ConnectionCommit {
  /** As claimed, with the etag the claim left. */
  readonly before: Versioned<Connection>;
  readonly after: Connection;
  readonly keep?: readonly KeptToken[];
  readonly drop?: readonly Target[];
  /** Given where `after` holds a refresh token that is nowhere else. */
  readonly rescue?: Rescue;
}

const TRIES = 4;
const PAUSE_MS = 150;
/** Tries where a successor without which all is lost is in neither place: for about as long as the claim holds. */
const VITAL_TRIES = 14;
const MOST_PAUSE_MS = 5000;

/**
 * Writes what an attempt achieved. A conflict or an error leaves open whether the write was applied, since the SDK retries by itself:
 * the row is read again, and the attempt it names decides. `lost` means that somebody else took the connection over.
 * At the first doubt the successor goes to the second place, before anything is tried again: the claim may end, or this process.
 * @throws the store's error when it stays away: nothing is known to be stored then
 * @throws TypeError when `before` is not claimed: without an attempt's name nothing tells our own write from another's
 */
export async function commitConnection(deps: Deps, commit: ConnectionCommit): Promise<'stored' | 'lost'> {
  const { before, rescue } = commit;
  const mine = before.value.claim?.attemptId;
  if (mine === undefined) throw new TypeError('only a claimed connection is committed');
  let { etag } = before;
  let lastError: unknown;
  let tries = TRIES;
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await deps.sleep(Math.min(PAUSE_MS * 2 ** (attempt - 1), MOST_PAUSE_MS));
    try {
      const state = (await write(deps, commit, etag)) ? 'stored' : await inspect(deps, commit, mine);
      if (typeof state === 'string') return await settle(rescue, state);
      ({ etag } = state);
    } catch (error) {
      lastError = error;
      const isSafe = !rescue || (await rescue.put()) || !rescue.isVital;
      tries = isSafe ? TRIES : VITAL_TRIES;
    }
  }
  throw lastError ?? new Error('a commit met conflicts without end');
}

function write(
  deps: Deps,
  { before, after, keep = [], drop = [] }: ConnectionCommit,
  etag: string,
): Promise<boolean> {
  const apply = () => deps.connections.replace(after, etag, { keep, drop });
  return withDueEntry(deps.due, { before: before.value, after }, apply);
}

/** `overtaken`: somebody has claimed the very credential that was redeemed here, and is about to find it spent. */
type Settled = 'stored' | 'overtaken' | 'lost';

async function inspect(
  deps: Deps,
  { before, after }: ConnectionCommit,
  mine: string,
): Promise<Settled | { readonly etag: string }> {
  const found = await deps.connections.find(after.subject);
  if (!found) return 'lost';
  if (found.value.lastAttemptId === mine) {
    await withDueEntry(deps.due, { before: before.value, after }, () => Promise.resolve(true));
    return 'stored';
  }
  if (found.value.claim?.attemptId === mine) return { etag: found.etag };
  const { state, enrolment, generation } = found.value;
  const same = state === 'active' && enrolment === after.enrolment && generation < after.generation;
  return same ? 'overtaken' : 'lost';
}

/** What is of no use to anybody is not left lying about; the only successor there may be is. */
async function settle(rescue: Rescue | undefined, state: Settled): Promise<'stored' | 'lost'> {
  await (state === 'overtaken' ? rescue?.put() : rescue?.remove());
  return state === 'stored' ? 'stored' : 'lost';
}
