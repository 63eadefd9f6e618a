import { Refusal, Unreadable } from '../domain/errors.js';
import { connectionEntry, messageEntry, rowEntry, setAsideFor } from '../domain/quarantine.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type { Clock, DueIndex, DueItem, Log, Quarantine, Quarantined, SpoiledRow } from '../ports.js';

/** Sets aside what cannot be worked on, so that it stops nobody, and brings it back. */
export interface SetAside {
  /** A connection whose upkeep failed by a fault of ours or of its rows. It is tried again by itself, ever more seldom. */
  item(item: DueItem, error: unknown): Promise<void>;
  /** A row of the due index that cannot be read. */
  row(row: SpoiledRow): Promise<void>;
  /** A queue message that was given up. Its connections are in the index still, and come back from there. */
  message(message: unknown): Promise<void>;
  /** Its connection could be worked on again. */
  recovered(subject: Subject): Promise<void>;
}

interface Deps {
  readonly quarantine: Quarantine;
  readonly due: DueIndex;
  /** Told of an entry whenever it is met: the first telling may not have got out. */
  readonly onMet: (entry: Quarantined) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export function createSetAside(deps: Deps): SetAside {
  const known = new Set<string>();
  return {
    async item(item, error) {
      const name = error instanceof Error ? error.name : 'unknown';
      deps.log.error('upkeep of a connection failed', {
        subject: subjectName(item.subject),
        error: name,
        ...(error instanceof Refusal ? refusalFields(error) : {}),
      });
      // What is out of reach for everybody says nothing about this one: it stays in the index, hidden for a while.
      if (error instanceof Refusal) return;
      await holdItem(deps, item, error instanceof Unreadable ? error.message : `fault: ${name}`);
    },
    async row(row) {
      const id = rowEntry(row.partitionKey, row.rowKey);
      // A later version's row stays where it is and is met at every run: it is booked once.
      if (known.has(id)) return;
      await book(deps, { id, what: 'due_row', why: row.why });
      known.add(id);
      deps.log.error('a row of the due index cannot be read', { why: row.why });
      if (!row.later) await deps.due.discard(row);
    },
    async message(message) {
      const text = JSON.stringify(message) ?? '';
      await book(deps, { id: messageEntry(text), what: 'message', why: 'the worker gave it up' });
      deps.log.error('a due message was given up', { bytes: text.length });
    },
    async recovered(subject) {
      if (await deps.quarantine.remove(connectionEntry(subject))) {
        deps.log.info('upkeep of a connection works again', { subject: subjectName(subject) });
      }
    },
  };
}

/** What was out of reach, and how that showed: names and statuses only, for messages may quote what was handled. */
function refusalFields({ code, reason, cause }: Refusal) {
  const status: unknown = cause instanceof Error && 'statusCode' in cause ? cause.statusCode : undefined;
  return {
    code,
    reason,
    cause: cause instanceof Error ? cause.name : undefined,
    status: typeof status === 'number' ? status : undefined,
  };
}

async function holdItem(deps: Deps, item: DueItem, why: string): Promise<void> {
  const { subject } = item;
  const entry = await book(deps, { id: connectionEntry(subject), what: 'connection', subject, why });
  // Put before the old one goes: a crash in between leaves one too many and never none.
  await deps.due.put({ subject, dueAt: entry.nextTryAt ?? deps.clock(), held: true });
  await deps.due.remove(item);
}

async function book(
  deps: Deps,
  trouble: Pick<Quarantined, 'id' | 'what' | 'subject' | 'why'>,
): Promise<Quarantined> {
  const now = deps.clock();
  const before = await deps.quarantine.find(trouble.id);
  const times = (before?.times ?? 0) + 1;
  const entry: Quarantined = {
    ...trouble,
    firstAt: before?.firstAt ?? now,
    lastAt: now,
    times,
    ...(trouble.what === 'connection' ? { nextTryAt: now + setAsideFor(times) } : {}),
  };
  await deps.quarantine.put(entry);
  await deps.onMet(entry);
  return entry;
}
