import type { Connection, KeptToken, Target } from '../domain/connection.js';
import type { Clock, ConnectionStore, DueIndex, Versioned } from '../ports.js';
import { withDueEntry } from './plan_upkeep.js';

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
}

const TRIES = 4;
const PAUSE_MS = 150;

/**
 * Writes what an attempt achieved. A conflict or an error leaves open whether the write was applied, since the SDK retries by itself:
 * the row is read again, and the attempt it names decides. `lost` means that somebody else took the connection over.
 * @throws the store's error when it stays away: nothing is known to be stored then
 * @throws TypeError when `before` is not claimed: without an attempt's name nothing tells our own write from another's
 */
export async function commitConnection(deps: Deps, commit: ConnectionCommit): Promise<'stored' | 'lost'> {
  const { before, after } = commit;
  const changes = { keep: commit.keep ?? [], drop: commit.drop ?? [] };
  const mine = before.value.claim?.attemptId;
  if (mine === undefined) throw new TypeError('only a claimed connection is committed');
  let { etag } = before;
  let lastError: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await deps.sleep(PAUSE_MS * 2 ** (attempt - 1));
    try {
      const write = () => deps.connections.replace(after, etag, changes);
      if (await withDueEntry(deps.due, { before: before.value, after }, write)) return 'stored';
      const state = await inspect(deps, commit, mine);
      if (state.kind !== 'open') return state.kind;
      etag = state.etag;
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError ?? new Error('a commit met conflicts without end');
}

type Inspected = { readonly kind: 'stored' | 'lost' } | { readonly kind: 'open'; readonly etag: string };

async function inspect(deps: Deps, { before, after }: ConnectionCommit, mine: string): Promise<Inspected> {
  const found = await deps.connections.find(after.subject);
  if (!found) return { kind: 'lost' };
  if (found.value.lastAttemptId === mine) {
    const settled = { before: before.value, after };
    await withDueEntry(deps.due, settled, () => Promise.resolve(true));
    return { kind: 'stored' };
  }
  return found.value.claim?.attemptId === mine ? { kind: 'open', etag: found.etag } : { kind: 'lost' };
}
