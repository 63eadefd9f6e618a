import type { BrokerEvent } from '../domain/event.js';
import type { Log, Outbox } from '../ports.js';

/**
 * Tells operators of something. It is in the log at once and in the outbox for whoever is to receive it, once however often it is told.
 * Never throws: what is told of is done already, and must not fail for the telling. Answers whether it was new.
 */
export type Publish = (event: BrokerEvent) => Promise<boolean>;

interface Deps {
  readonly outbox: Outbox;
  /** Names of the receivers. */
  readonly receivers: readonly string[];
  readonly log: Log;
}

/** What was told of last: spares the outbox, and keeps the log from being told again where there is none. */
const MOST_REMEMBERED = 10_000;

export function createPublish({ outbox, receivers, log }: Deps): Publish {
  const told = new Set<string>();
  return async (event) => {
    const { type, subject, data } = event;
    if (told.has(event.id)) return false;
    try {
      const added =
        receivers.length === 0 ||
        (await outbox.add({ event, state: 'waiting', pending: receivers, attempts: 0 }));
      if (told.size >= MOST_REMEMBERED) told.clear();
      told.add(event.id);
      if (added) log.warn(`event ${type}`, { subject, ...data });
      return added;
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown';
      log.error(`event ${type} could not be stored`, { subject, ...data, error: name });
      return false;
    }
  };
}
