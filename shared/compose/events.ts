import { createEventGrid } from '../adapters/events/event_grid.js';
import { createWebhook } from '../adapters/events/webhook.js';
import type { HttpClient } from '../adapters/http_client.js';
import { createOutbox } from '../adapters/tables/outbox.js';
import type { Table } from '../adapters/tables/table.js';
import type { Config } from '../config.js';
import { createPublish } from '../flows/publish.js';
import type { Clock, EventSink, Log } from '../ports.js';

interface Deps {
  readonly config: Pick<Config, 'events'>;
  readonly table: (name: string) => Table;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where events go, and the way there. */
export function createEvents({ config, table, http, clock, log }: Deps) {
  const { webhook, grid } = config.events;
  const sinks: readonly EventSink[] = [
    ...(webhook ? [createWebhook(webhook, { http, clock })] : []),
    ...(grid ? [createEventGrid(grid, { http })] : []),
  ];
  const outbox = createOutbox({ entries: table('events'), due: table('eventsDue') });
  const publish = createPublish({ outbox, receivers: sinks.map(({ name }) => name), log });
  return { outbox, sinks, publish };
}
