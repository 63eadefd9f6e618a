import { afterEach, describe, expect, it } from 'vitest';
import type { QueueConfig } from '../../local/functions_host/app/host_json.js';
import { startQueueListener } from '../../local/functions_host/queue/listener.js';
import type { QueueMessage } from '../../local/functions_host/storage/queues.js';
import type { Listener } from '../../local/functions_host/timer/listener.js';
import { fakeClock, settle } from './support/fake_clock.js';

const config: QueueConfig = {
  batchSize: 16,
  newBatchThreshold: 8,
  maxDequeueCount: 5,
  visibilityTimeoutMs: 0,
  maxPollingIntervalMs: 60_000,
  messageEncoding: 'base64',
};

interface Options {
  name?: string;
  config?: Partial<QueueConfig>;
  work?: () => Promise<void>;
}

/** A listener over a queue that is a list, so that what it does to the queue can be read off. */
function listen(options: Options = {}) {
  const clock = fakeClock();
  const stored: QueueMessage[] = [];
  const calls: string[] = [];
  let polls = 0;
  let concurrent = 0;
  let most = 0;
  const name = options.name ?? 'work';
  const listener = startQueueListener({
    name: 'fn',
    queue: {
      name,
      async receive(max) {
        polls++;
        return stored.splice(0, max);
      },
      async remove(id, receipt) {
        calls.push(`remove ${id} ${receipt}`);
      },
      async hide(id, receipt, seconds) {
        calls.push(`hide ${id} ${receipt} ${seconds}`);
        return `${receipt}+`;
      },
      send: async () => undefined,
    },
    poison: name.endsWith('-poison')
      ? undefined
      : {
          name: `${name}-poison`,
          receive: async () => [],
          remove: async () => undefined,
          hide: async () => '',
          async send(text) {
            calls.push(`poison ${text}`);
          },
        },
    config: { ...config, ...options.config },
    run: async () => {
      concurrent++;
      most = Math.max(most, concurrent);
      try {
        await options.work?.();
      } finally {
        concurrent--;
      }
    },
    clock,
    log: { write: () => undefined, enabled: () => false },
    health: { ok: () => undefined, failed: () => undefined },
  });
  listeners.push(listener);
  const put = (id: string, more: Partial<QueueMessage> = {}) =>
    stored.push({
      id,
      popReceipt: 'r',
      text: Buffer.from(id).toString('base64'),
      dequeueCount: 1,
      insertedOn: undefined,
      expiresOn: undefined,
      nextVisibleOn: undefined,
      ...more,
    });
  return { clock, put, calls, listener, stored, polls: () => polls, most: () => most };
}

const listeners: Listener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) void listener.stop();
  await settle();
});

const fails = () => Promise.reject(new Error('failed'));

describe('a message', () => {
  it('is deleted when its function has succeeded', async () => {
    const { put, clock, calls } = listen();
    put('a');
    await clock.advance(100);
    expect(calls).toEqual(['remove a r']);
  });

  it('becomes visible again after visibilityTimeout when its function has failed', async () => {
    const { put, clock, calls } = listen({ work: fails, config: { visibilityTimeoutMs: 30_000 } });
    put('a');
    await clock.advance(100);
    expect(calls).toEqual(['hide a r 30']);
  });

  it('goes to the poison queue, as it was stored, when its last try has failed', async () => {
    const { put, clock, calls } = listen({ work: fails });
    put('a', { dequeueCount: 5 });
    await clock.advance(100);
    expect(calls).toEqual(['poison YQ==', 'remove a r']);
  });

  it('goes to the poison queue without a run when it has been tried too often or is not base64', async () => {
    const { put, clock, calls, most } = listen();
    put('a', { dequeueCount: 6 });
    put('b', { text: 'not base64' });
    await clock.advance(100);
    expect(calls.sort()).toEqual(['poison YQ==', 'poison not base64', 'remove a r', 'remove b r']);
    expect(most()).toBe(0);
  });

  it('of a poison queue stays hidden when it fails: there is nowhere to put it', async () => {
    const { put, clock, calls } = listen({ work: fails, name: 'work-poison' });
    put('a', { dequeueCount: 9 });
    put('b');
    await clock.advance(100);
    expect(calls).toEqual([]);
  });

  it('is kept hidden at half of its 10 minutes while its function runs, and deleted by its newest receipt', async () => {
    let end: () => void = () => undefined;
    const { put, clock, calls } = listen({ work: () => new Promise((resolve) => (end = resolve)) });
    put('a');
    await clock.advance(11 * 60_000);
    end();
    await clock.advance(60 * 60_000);
    expect(calls).toEqual(['hide a r 600', 'hide a r+ 600', 'remove a r++']);
  });
});

describe('a queue', () => {
  it('is worked on by at most batchSize + newBatchThreshold runs at once', async () => {
    const { put, clock, most, stored } = listen({
      config: { batchSize: 4, newBatchThreshold: 2 },
      work: () => new Promise(() => undefined),
    });
    for (let index = 0; index < 20; index++) put(String(index));
    await clock.advance(60_000);
    expect([most(), stored.length]).toEqual([4, 16]);
  });

  it('takes the next batch when no more than newBatchThreshold are running', async () => {
    const ends: (() => void)[] = [];
    const { put, clock, most } = listen({
      config: { batchSize: 4, newBatchThreshold: 2 },
      work: () => new Promise((resolve) => ends.push(resolve)),
    });
    for (let index = 0; index < 20; index++) put(String(index));
    await clock.advance(1000);
    for (const end of ends.splice(0, 2)) end();
    await clock.advance(1000);
    expect(most()).toBe(6);
  });

  it('that is empty is polled after 100 ms, then ever more slowly, at most every maxPollingInterval', async () => {
    const { clock, polls } = listen({ config: { maxPollingIntervalMs: 2000 } });
    await clock.advance(99);
    expect(polls()).toBe(1);
    await clock.advance(1);
    expect(polls()).toBe(2);
    await clock.advance(10_000);
    const before = polls();
    await clock.advance(20_000);
    expect(polls() - before).toBe(10);
  });

  it('is no longer polled once stopped, and stopping waits for what is running', async () => {
    let end: () => void = () => undefined;
    const { put, clock, listener, calls, polls } = listen({
      work: () => new Promise((resolve) => (end = resolve)),
    });
    put('a');
    await clock.advance(100);
    const stopped = listener.stop().then(() => calls.push('stopped'));
    const before = polls();
    await clock.advance(5000);
    end();
    await stopped;
    expect([calls, polls()]).toEqual([['remove a r', 'stopped'], before]);
  });
});
