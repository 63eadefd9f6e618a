import { subjectName } from '../domain/subject.js';
import type { Clock, DueIndex, DueItem, Heartbeat, SpoiledRow } from '../ports.js';

/** The timer's half of upkeep: takes what is due and hands it out in batches. */
export type FindDue = () => Promise<readonly (readonly DueItem[])[]>;

interface Deps {
  readonly due: DueIndex;
  readonly heartbeat: Heartbeat;
  /** How many connections of a provider one run may hand out. */
  readonly allowanceOf: (provider: string) => number;
  /** Sees to rows of the index that cannot be read. */
  readonly setAsideRow: (row: SpoiledRow) => Promise<void>;
  readonly clock: Clock;
}

/** Most that one run hands out, whatever the providers allow: a bound on its memory. */
const TICK_LIMIT = 50_000;
/** After this no further page is taken, well within the platform's time-out for a function, ms. What is left is the next run's, oldest first. */
const TICK_MS = 90_000;
/** Handed-out work that nobody finished is handed out again after this, ms. */
const HIDDEN_MS = 5 * 60_000;
const BATCH_SIZE = 32;
/** A queue message holds 64 KiB, in base64. */
const BATCH_BYTES = 32 * 1024;

export const UPKEEP_HEARTBEAT = 'upkeep';

export function createFindDue(deps: Deps): FindDue {
  return async () => {
    const now = deps.clock();
    const spoiled: SpoiledRow[] = [];
    const items = await deps.due.take({
      now,
      hiddenUntil: now + HIDDEN_MS,
      limit: TICK_LIMIT,
      wants: allowances(deps.allowanceOf),
      goOn: () => deps.clock() - now < TICK_MS,
      spoiled: (row) => spoiled.push(row),
    });
    for (const row of spoiled) await deps.setAsideRow(row);
    await deps.heartbeat.beat(UPKEEP_HEARTBEAT, now);
    return batchesOf(items);
  };
}

/** True as long as an item's provider has something left: a provider's backlog takes no room from the others. */
function allowances(allowanceOf: (provider: string) => number): (item: DueItem) => boolean {
  const left = new Map<string, number>();
  return ({ subject: { provider } }) => {
    const rest = left.get(provider) ?? allowanceOf(provider);
    left.set(provider, Math.max(0, rest - 1));
    return rest > 0;
  };
}

/** Batches of one provider each, so that one that hangs holds up none but its own. */
function batchesOf(items: readonly DueItem[]): readonly (readonly DueItem[])[] {
  const batches: DueItem[][] = [];
  const open = new Map<string, { batch: DueItem[]; bytes: number }>();
  for (const item of items) {
    const bytes = 3 * subjectName(item.subject).length + 100;
    const current = open.get(item.subject.provider);
    if (current && current.batch.length < BATCH_SIZE && current.bytes + bytes <= BATCH_BYTES) {
      current.batch.push(item);
      current.bytes += bytes;
    } else {
      const batch = [item];
      batches.push(batch);
      open.set(item.subject.provider, { batch, bytes });
    }
  }
  return batches;
}
