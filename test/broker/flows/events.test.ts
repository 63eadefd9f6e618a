import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEventGrid } from '../../../shared/adapters/events/event_grid.js';
import { createWebhook } from '../../../shared/adapters/events/webhook.js';
import { createHttpClient } from '../../../shared/adapters/http_client.js';
import { createOutbox } from '../../../shared/adapters/tables/outbox.js';
import type { Row } from '../../../shared/adapters/tables/table.js';
import { eventOf, MOST_DELIVERIES } from '../../../shared/domain/event.js';
import { createDeliverEvent, createFindEvents } from '../../../shared/flows/deliver_events.js';
import { createPublish } from '../../../shared/flows/publish.js';
import type { EventSink, Outbox } from '../../../shared/ports.js';
import { NOW } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const SECRETS = [
  'the first secret of the webhook',
  `whsec_${Buffer.from('the second secret').toString('base64')}`,
];

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
let server: Server;
let address: string;
const received: Received[] = [];
let status = 204;
let retryAfter: string | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(status, retryAfter ? { 'retry-after': retryAfter, location: '/elsewhere' } : {});
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const time = { now: NOW };
const clock = () => time.now;
const logged: string[] = [];
const write = (message: string, fields = {}) => {
  logged.push(`${message} ${JSON.stringify(fields)}`);
};
const log = { info: write, warn: write, error: write };
let outbox: Outbox;
let sinks: EventSink[];

beforeEach(() => {
  time.now = NOW;
  status = 204;
  retryAfter = undefined;
  received.length = 0;
  logged.length = 0;
  const http = createHttpClient();
  outbox = createOutbox({ entries: tables.table(), due: tables.table() });
  sinks = [createWebhook({ url: `${address}/hook`, secrets: SECRETS }, { http, clock })];
});

const publish = (event: ReturnType<typeof died>) =>
  createPublish({ outbox, receivers: sinks.map(({ name }) => name), log })(event);

async function run(): Promise<number> {
  const deps = { outbox, sinks, source: 'https://broker.test', clock, log };
  const due = await createFindEvents(deps)();
  for (const item of due) await createDeliverEvent(deps)(item);
  return due.length;
}

function died(occasion = 'once') {
  return eventOf(
    'connection.died',
    { subject: 'aad:t:alice', at: NOW, occasion },
    { reason: 'invalid_grant' },
  );
}

describe('an event', () => {
  it('reaches the webhook as CloudEvents 1.0, signed by each secret over id, time and body', async () => {
    await publish(died());
    await run();
    const [one] = received;
    expect(received).toHaveLength(1);
    expect(one?.headers['content-type']).toMatch(/^application\/cloudevents\+json/);
    expect(JSON.parse(one?.body ?? '')).toEqual({
      specversion: '1.0',
      id: died().id,
      source: 'https://broker.test',
      type: 'tokenbroker.connection.died',
      subject: 'aad:t:alice',
      time: new Date(NOW).toISOString(),
      datacontenttype: 'application/json',
      data: { reason: 'invalid_grant' },
    });
    const signed = `${died().id}.${Math.floor(NOW / 1000)}.${one?.body}`;
    const by = (key: string) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    expect(one?.headers['webhook-id']).toBe(died().id);
    expect(one?.headers['webhook-timestamp']).toBe(String(Math.floor(NOW / 1000)));
    expect(one?.headers['webhook-signature']).toBe(`${by(SECRETS[0] ?? '')} ${by('the second secret')}`);
  });

  it('told of many times is delivered once', async () => {
    expect(await publish(died())).toBe(true);
    expect(await Promise.all([publish(died()), publish(died())])).toEqual([false, false]);
    await run();
    expect(await publish(died())).toBe(false);
    time.now += 86_400_000;
    await run();
    expect(received).toHaveLength(1);
  });

  it('whose entry is worked on before the event itself is written is delivered all the same', async () => {
    const entries = tables.table();
    const early: number[] = [];
    const insert = async (row: Row) => {
      early.push(await run());
      return entries.insert(row);
    };
    outbox = createOutbox({ entries: { ...entries, insert }, due: tables.table() });
    await publish(died());
    expect(early).toEqual([1]);
    time.now += 3 * 60_000;
    await run();
    expect(received).toHaveLength(1);
  });

  it('that was never written leaves nothing behind in the index', async () => {
    await outbox.putDue({ eventId: died().id, dueAt: NOW });
    time.now += 11 * 60_000;
    expect(await run()).toBe(1);
    time.now += 11 * 60_000;
    expect(await run()).toBe(0);
  });

  it('two things of one kind are two events', async () => {
    await publish(died('first'));
    await publish(died('second'));
    await run();
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });

  it('is tried again, later each time, under the same id, until it is taken', async () => {
    status = 500;
    await publish(died());
    const waits: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const from = time.now;
      while ((await run()) === 0) time.now += 5000;
      waits.push(time.now - from);
    }
    status = 200;
    while ((await run()) === 0) time.now += 5000;
    expect(waits).toEqual([0, 10_000, 20_000, 40_000]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    time.now += 86_400_000;
    expect(await run()).toBe(0);
    expect(received).toHaveLength(5);
  });

  it('waits as long as its receiver asks, and follows it nowhere else', async () => {
    status = 302;
    retryAfter = '120';
    await publish(died());
    await run();
    time.now += 119_000;
    expect(await run()).toBe(0);
    time.now += 1000;
    expect(await run()).toBe(1);
    expect(received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
  });

  it('is given up in plain sight in the end, and can be brought back', async () => {
    status = 410;
    await publish(died());
    for (let attempt = 0; attempt < MOST_DELIVERIES; attempt++) {
      while ((await run()) === 0) time.now += 3_600_000;
    }
    time.now += 30 * 86_400_000;
    expect(await run()).toBe(0);
    expect(received).toHaveLength(MOST_DELIVERIES);
    const { items } = await outbox.dead({ limit: 10 });
    expect(items).toMatchObject([
      { state: 'dead', lastError: 'webhook: HTTP 410', event: { id: died().id } },
    ]);
    expect(logged.some((line) => line.startsWith('an event could not be delivered and is given up'))).toBe(
      true,
    );
    status = 200;
    expect(await outbox.revive(died().id, time.now)).toBe(true);
    expect(await run()).toBe(1);
    expect((await outbox.dead({ limit: 10 })).items).toEqual([]);
  });

  it('that one of two receivers has is sent to the other alone', async () => {
    let reached = 0;
    const other: EventSink = {
      name: 'other',
      async send() {
        reached += 1;
        return { ok: true };
      },
    };
    sinks.push(other);
    status = 503;
    await publish(died());
    await run();
    status = 200;
    time.now += 10_000;
    await run();
    expect(reached).toBe(1);
    expect(received).toHaveLength(2);
  });

  it('goes to an Event Grid topic with its key, or with the identity of the app', async () => {
    const http = createHttpClient();
    const bearer = async () => 'identity-token';
    const endpoint = `${address}/api/events`;
    sinks = [createEventGrid({ endpoint, key: 'topic-key' }, { http })];
    await publish(died('key'));
    await run();
    sinks = [createEventGrid({ endpoint }, { http, bearer })];
    await publish(died('identity'));
    await run();
    expect(received.map(({ path }) => path)).toEqual(Array(2).fill('/api/events?api-version=2018-01-01'));
    expect(received[0]?.headers['aeg-sas-key']).toBe('topic-key');
    expect(received[1]?.headers.authorization).toBe('Bearer identity-token');
    expect(
      received.every(({ headers }) => headers['content-type']?.startsWith('application/cloudevents+json')),
    ).toBe(true);
  });

  it('is in the log where nobody is to receive it, and stored nowhere', async () => {
    sinks = [];
    const tell = createPublish({ outbox, receivers: [], log });
    expect([await tell(died()), await tell(died())]).toEqual([true, false]);
    expect(logged).toEqual([expect.stringContaining('event connection.died')]);
    expect(await outbox.find(died().id)).toBeUndefined();
  });
});
