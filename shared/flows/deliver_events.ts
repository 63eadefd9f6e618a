import { cloudEvent, deliveryWait, MOST_DELIVERIES } from '../domain/event.js';
import type { Clock, Delivery, DueEvent, EventSink, Log, Outbox, OutboxEntry } from '../ports.js';

/** Takes the events that are due. */
export type FindEvents = () => Promise<readonly DueEvent[]>;

/**
 * Brings one event to every receiver that does not have it yet: at least once, under the same id each time. False when it has to be tried
 * again.
 */
export type DeliverEvent = (due: DueEvent) => Promise<boolean>;

interface Deps {
  readonly outbox: Outbox;
  readonly sinks: readonly EventSink[];
  /** The events' `source`. */
  readonly source: string;
  readonly clock: Clock;
  readonly log: Log;
}

const TICK_LIMIT = 1000;
/** An event's entry in the index comes before the event: one that is not there yet is waited for so long, ms. */
const UNWRITTEN_MS = 10 * 60_000;
/** Longer than all receivers together may take. */
const HIDDEN_MS = 2 * 60_000;

export function createFindEvents({ outbox, sinks, clock }: Deps): FindEvents {
  return async () => {
    if (sinks.length === 0) return [];
    const now = clock();
    return outbox.takeDue({ now, hiddenUntil: now + HIDDEN_MS, limit: TICK_LIMIT });
  };
}

export function createDeliverEvent(deps: Deps): DeliverEvent {
  return async (due) => {
    const found = await deps.outbox.find(due.eventId);
    if (!found && deps.clock() - due.dueAt < UNWRITTEN_MS) return false;
    if (found?.value.state !== 'waiting') {
      await deps.outbox.removeDue(due);
      return true;
    }
    const after = await sendAll(deps, found.value);
    if (after.state === 'waiting') {
      const retryAt = deps.clock() + deliveryWait(after.attempts, after.retryAfterSeconds);
      await deps.outbox.putDue({ eventId: due.eventId, dueAt: retryAt });
    }
    // A lost race is another worker's delivery: its word stands, and an entry too many in the index does no harm.
    if (await deps.outbox.replace(after, found.etag)) await deps.outbox.removeDue(due);
    return after.state !== 'waiting';
  };
}

type Sent = OutboxEntry & { readonly retryAfterSeconds?: number };

async function sendAll(deps: Deps, entry: OutboxEntry): Promise<Sent> {
  const event = cloudEvent(entry.event, deps.source);
  const known = deps.sinks.filter(({ name }) => entry.pending.includes(name));
  const results = await Promise.all(known.map(async (sink) => ({ sink, result: await sink.send(event) })));
  const failed = results.filter(({ result }) => !result.ok);
  const { lastError: _, ...rest } = entry;
  if (failed.length === 0) return { ...rest, state: 'delivered', pending: [] };
  const attempts = entry.attempts + 1;
  const dead = attempts >= MOST_DELIVERIES;
  const lastError = failed.map(({ sink, result }) => `${sink.name}: ${whyOf(result)}`).join('; ');
  const { type } = entry.event;
  if (dead) deps.log.error('an event could not be delivered and is given up', { type, error: lastError });
  else deps.log.warn('an event could not be delivered yet', { type, attempt: attempts, error: lastError });
  const asked = failed.map(({ result }) => (result.ok ? 0 : (result.retryAfterSeconds ?? 0)));
  return {
    ...rest,
    state: dead ? 'dead' : 'waiting',
    pending: failed.map(({ sink }) => sink.name),
    attempts,
    lastError,
    retryAfterSeconds: Math.max(0, ...asked),
  };
}

function whyOf(result: Delivery): string {
  return result.ok ? '' : result.why;
}
