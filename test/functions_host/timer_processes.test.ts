import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHostBlobs } from '../../local/functions_host/storage/blobs.js';
import { type Azurite, closeAzurites, startAzurite } from './support/azurite.js';
import { type HostProcess, killHosts, startHost } from './support/host_process.js';
import { type TempApp, tempApp } from './support/temp_app.js';
import { until } from './support/test_queue.js';

const source = `import { app } from '@azure/functions';
  app.timer('tick', { schedule: '%TICK%', handler: (timer) => console.log('tick', process.pid, JSON.stringify(timer)) });`;

let azurite: Azurite;
const apps: TempApp[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(async () => {
  await killHosts();
  await closeAzurites();
  await Promise.all(apps.map((app) => app.remove()));
});

async function makeApp(): Promise<string> {
  const host = { version: '2.0', singleton: { listenerLockRecoveryPollingInterval: '00:00:00.200' } };
  const app = await tempApp({ 'functions/a.js': source, 'host.json': JSON.stringify(host) });
  apps.push(app);
  return app.root;
}

function start(app: string, schedule: string, hostId: string): Promise<HostProcess> {
  const env = {
    AzureWebJobsStorage: azurite.connection,
    TICK: schedule,
    AzureFunctionsWebHost__hostid: hostId,
  };
  return startHost({ app, env });
}

const ticks = (host: HostProcess) => host.output().match(/^tick /gm)?.length ?? 0;

describe.concurrent('timers of several processes', () => {
  it('run in one of them, and in the other once the first is gone', async () => {
    const app = await makeApp();
    const first = await start(app, '* * * * * *', 'two-processes');
    await until(() => ticks(first) >= 1);
    const second = await start(app, '* * * * * *', 'two-processes');
    await until(() => ticks(first) >= 3);
    expect(ticks(second)).toBe(0);
    expect(await first.stop()).toBe(0);
    await until(() => ticks(second) >= 1);
  });

  it('are taken over from a process that was killed, when its lease has run out', async () => {
    const app = await makeApp();
    const first = await start(app, '* * * * * *', 'killed');
    await until(() => ticks(first) >= 1);
    const second = await start(app, '* * * * * *', 'killed');
    await first.stop('SIGKILL');
    const killed = Date.now();
    await until(() => ticks(second) >= 1);
    expect(Date.now() - killed).toBeLessThan(20_000);
  });
});

describe.concurrent('a timer of a restarted host', () => {
  it('runs at once, one time, past due, when a run was missed, and keeps its status as Azure does', async () => {
    const open = await openHostBlobs(azurite.connection);
    const blob = open('timers/past-due/Host.Functions.tick/status');
    const before = '2026-01-01T00:00:00+00:00';
    const text = JSON.stringify({ Last: before, Next: '2026-02-01T00:00:00+00:00', LastUpdated: before });
    await blob.write(text);

    const host = await start(await makeApp(), '0 0 0 1 * *', 'past-due');
    const line = await host.line(/^tick /);
    expect(JSON.parse(line.replace(/^tick \d+ /, ''))).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: '2026-01-01T00:00:00.000Z',
        next: '2026-02-01T00:00:00.000Z',
        lastUpdated: '2026-01-01T00:00:00.000Z',
      },
      isPastDue: true,
    });
    await until(async () => (await blob.read()) !== text);
    const stored = JSON.parse((await blob.read()) ?? '') as Record<string, string>;
    expect(Object.keys(stored)).toEqual(['Last', 'Next', 'LastUpdated']);
    expect(Date.parse(stored.Next ?? '')).toBeGreaterThan(Date.now());
    expect(await host.stop()).toBe(0);
    expect(ticks(host)).toBe(1);
  });

  it('carries on when storage comes back, told by one line each way', async () => {
    const own = await startAzurite();
    const [blob, queue] = [...own.connection.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) =>
      Number(match[1]),
    );
    const env = { AzureWebJobsStorage: own.connection, TICK: '* * * * * *' };
    await own.close();
    const host = await startHost({ app: await makeApp(), env });
    await host.line(/error Host\.Storage storage does not answer/);
    const again = await startAzurite({ blob: blob ?? 0, queue: queue ?? 0 });
    await host.line(/info Host\.Storage storage answers again/);
    await until(() => ticks(host) >= 1);
    await again.close();
  });
});
