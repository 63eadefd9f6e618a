import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../local/functions_host/clock.js';
import { type BlobOpener, openHostBlobs } from '../../local/functions_host/storage/blobs.js';
import { takeLock } from '../../local/functions_host/timer/lock.js';
import { type Azurite, closeAzurites, startAzurite } from './support/azurite.js';
import { repository } from './support/built_host.js';
import { fakeClock } from './support/fake_clock.js';
import { type HostProcess, killHosts, startHost } from './support/host_process.js';
import { testQueue, until } from './support/test_queue.js';

const app = join(repository, 'test/functions_host/apps/storage');
let azurite: Azurite;
let serial = 0;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterEach(killHosts);
afterAll(closeAzurites);

/** The storage app with queues of its own. */
async function start(): Promise<{
  host: HostProcess;
  work: string;
  out: string;
  restart: () => Promise<HostProcess>;
}> {
  const [work, out] = [`work${++serial}`, `out${serial}`];
  const env = {
    STORAGE: azurite.connection,
    WORK_QUEUE: work,
    OUT_QUEUE: out,
    BROKEN_STORAGE: azurite.connection.replace(/:\d+\/dev/g, ':9/dev'),
  };
  const restart = () => startHost({ app, env });
  return { host: await restart(), work, out, restart };
}

describe('a queue function', () => {
  it('gets JSON as its value and other text as a string, and what it returns is sent on', async () => {
    const { work, out, host } = await start();
    const queue = await testQueue(azurite.connection, work);
    await queue.send('{"a":1}');
    await host.line(/^work \{"item":\{"a":1\},"dequeueCount":1/);
    await queue.send('plain');
    await host.line(/^work \{"item":"plain"/);
    const sent = await (await testQueue(azurite.connection, out)).texts(2);
    expect(sent.sort()).toEqual(['{"item":"plain","known":true}', '{"item":{"a":1},"known":true}']);
    await until(async () => (await queue.size()) === 0);
  });

  it('tries a failing message maxDequeueCount times, then it is in the poison queue', async () => {
    const { work, host } = await start();
    await (await testQueue(azurite.connection, work)).send('bad');
    const poison = await testQueue(azurite.connection, `${work}-poison`, false);
    expect(await poison.texts(1)).toEqual(['bad']);
    expect(host.output().match(/^work .*"dequeueCount":\d/gm)).toHaveLength(3);
  });

  it('never sees a message that is not base64: it is in the poison queue as it was', async () => {
    const { work, host } = await start();
    await (await testQueue(azurite.connection, work)).sendRaw('not base64');
    const poison = await testQueue(azurite.connection, `${work}-poison`, false);
    expect(await poison.rawTexts(1)).toEqual(['not base64']);
    expect(host.output()).not.toMatch(/^work /m);
  });

  it('of a queue that does not exist yet waits for it without a word', async () => {
    const { work, host } = await start();
    expect(host.output()).not.toMatch(/ (error|warn) /);
    await (await testQueue(azurite.connection, work)).send('later');
    await host.line(/^work \{"item":"later"/);
  });

  it('that ends its process has failed: its message is tried again after the restart, and is poison in the end', async () => {
    const { work, host, restart } = await start();
    await (await testQueue(azurite.connection, work)).send('crash');
    expect(await host.exited).toBe(1);
    for (let count = 2; count <= 3; count++) expect(await (await restart()).exited).toBe(1);
    const poison = await testQueue(azurite.connection, `${work}-poison`, false);
    expect(await poison.texts(1)).toEqual(['crash']);
  });
});

describe('a queue output', () => {
  function send(host: HostProcess, value: unknown): Promise<Response> {
    return fetch(`${host.url}/send`, { method: 'POST', body: JSON.stringify(value) });
  }

  it('sends one message for each member of an array, base64, and makes the queue when there is none', async () => {
    const { host, out } = await start();
    expect((await send(host, ['a', { b: 2 }])).status).toBe(200);
    const queue = await testQueue(azurite.connection, out, false);
    expect(await queue.texts(2)).toEqual(['a', '{"b":2}']);
  });

  it('that cannot be sent fails the invocation', async () => {
    const { host } = await start();
    const answer = await fetch(`${host.url}/sendBroken`, { method: 'POST' });
    expect([answer.status, await answer.text()]).toEqual([500, '']);
    expect((await send(host, 'x'.repeat(70_000))).status).toBe(500);
  });
});

describe('the lock of a timer', () => {
  const health = { ok: () => undefined, failed: () => undefined };
  let open: BlobOpener;
  beforeAll(async () => {
    open = await openHostBlobs(azurite.connection);
  });

  it('is held by one process, and by the next when that lets go', async () => {
    const options = { blob: open('locks/one'), seconds: 15, clock: systemClock(), health };
    const first = await takeLock(options);
    expect(first?.lost.aborted).toBe(false);
    expect(await takeLock(options)).toBeUndefined();
    await first?.release();
    const second = await takeLock(options);
    expect(second).toBeDefined();
    await second?.release();
  });

  it('asked for by several at once is given to one of them', async () => {
    const options = { blob: open('locks/race'), seconds: 15, clock: systemClock(), health };
    const locks = await Promise.all(Array.from({ length: 6 }, () => takeLock(options)));
    expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1);
    await Promise.all(locks.map((lock) => lock?.release()));
  });

  it('is lost when storage could not be reached for as long as it lasts', async () => {
    const clock = fakeClock();
    let failures = 0;
    const lock = await takeLock({
      blob: {
        read: async () => undefined,
        write: async () => undefined,
        lease: async () => ({
          renew: () => Promise.reject(new Error('down')),
          release: async () => undefined,
        }),
      },
      seconds: 15,
      clock,
      health: { ok: () => undefined, failed: () => failures++ },
    });
    await clock.advance(14_000);
    expect(lock?.lost.aborted).toBe(false);
    await clock.advance(1_000);
    expect([lock?.lost.aborted, failures]).toEqual([true, 3]);
  });

  it('is lost when another has broken it', async () => {
    const clock = fakeClock();
    const lock = await takeLock({
      blob: {
        read: async () => undefined,
        write: async () => undefined,
        lease: async () => ({ renew: async () => false, release: async () => undefined }),
      },
      seconds: 15,
      clock,
      health,
    });
    await clock.advance(5_000);
    expect(lock?.lost.aborted).toBe(true);
  });
});
