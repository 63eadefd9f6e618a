import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { repository } from './support/built_host.js';
import { freePort, killHosts, spawnHost, startHost } from './support/host_process.js';
import { type TempApp, tempApp } from './support/temp_app.js';

const httpApp = join(repository, 'test/functions_host/apps/http');
const apps: TempApp[] = [];

afterEach(killHosts);
afterAll(() => Promise.all(apps.map((app) => app.remove())));

async function makeApp(files: Readonly<Record<string, string>>): Promise<string> {
  const app = await tempApp(files);
  apps.push(app);
  return app.root;
}

const library = "import { app } from '@azure/functions';\n";

describe('a signal to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets a running request end, then exits with 0',
    async (signal) => {
      const host = await startHost({ app: httpApp });
      const answer = fetch(`${host.url}/slow?ms=400`);
      await host.line(/slow has begun/);
      const exited = host.stop(signal);
      expect(await (await answer).text()).toBe('slow answer');
      expect(await exited).toBe(0);
    },
  );

  it('refuses new connections while it drains', async () => {
    const host = await startHost({ app: httpApp });
    const answer = fetch(`${host.url}/slow?ms=500`);
    await host.line(/slow has begun/);
    const exited = host.stop();
    await host.line(/Host.Shutdown stopping/);
    await expect(fetch(`${host.url}/empty`, { headers: { connection: 'close' } })).rejects.toThrow();
    expect((await answer).status).toBe(200);
    await exited;
  });

  it('runs appTerminate hooks with the data of the appStart hooks', async () => {
    const app = await makeApp({
      'functions/a.js': `${library}
        app.http('ok', { handler: () => ({}) });
        app.hook.appStart((context) => { context.hookData.word = 'farewell'; });
        app.hook.appTerminate(async (context) => { console.log(context.hookData.word); });`,
    });
    const host = await startHost({ app });
    expect(await host.stop()).toBe(0);
    expect(host.output()).toContain('farewell');
  });

  it('exits at once when nothing is running', async () => {
    const host = await startHost({ app: httpApp });
    await fetch(`${host.url}/empty`);
    const asked = Date.now();
    expect(await host.stop()).toBe(0);
    expect(Date.now() - asked).toBeLessThan(1500);
  });
});

describe('an error nobody catches ends the process with code 1', () => {
  const source = `${library}
    app.http('throwsLater', { handler: () => new Promise(() => setTimeout(() => { throw new Error('late'); }, 10)) });
    app.http('rejects', { handler: async () => { Promise.reject(new Error('unheard')); await new Promise(() => {}); } });
    app.http('waits', { handler: () => new Promise((resolve) => setTimeout(resolve, 60000)) });`;

  it.each([
    ['throwsLater', 'uncaught exception, the process ends: Error: late'],
    ['rejects', 'unhandled rejection, the process ends: Error: unheard'],
  ])(
    '%s: it is logged with its function, and what was running is answered with 500',
    async (name, message) => {
      const host = await startHost({ app: await makeApp({ 'functions/a.js': source }) });
      const other = fetch(`${host.url}/waits`);
      const own = fetch(`${host.url}/${name}`);
      expect([(await own).status, (await other).status]).toEqual([500, 500]);
      expect(await host.exited).toBe(1);
      const line = await host.line(/Host.Fault/);
      expect(line).toContain(message);
      expect(line).toMatch(new RegExp(`function=${name} invocation=[0-9a-f-]{36}$`));
    },
  );

  it('while an entry file loads, naming the file', async () => {
    const app = await makeApp({
      'functions/a.js': `${library}Promise.reject(new Error('at load')); await new Promise((r) => setTimeout(r, 500));`,
    });
    await expect(startHost({ app })).rejects.toThrow(/unhandled rejection.*at load.*entryFile=\S*a\.js/);
  });
});

describe('functionTimeout', () => {
  it('answers 500, says so and ends the process with code 1', async () => {
    const app = await makeApp({
      'functions/a.js': `${library}app.http('stuck', { handler: () => new Promise(() => {}) });`,
    });
    const host = await startHost({ app, env: { AzureFunctionsJobHost__functionTimeout: '00:00:00.200' } });
    expect((await fetch(`${host.url}/stuck`)).status).toBe(500);
    expect(await host.exited).toBe(1);
    expect(host.output()).toMatch(/error Function\.stuck timed out invocation=\S+ limitMs=200/);
  });

  it('-1 is no limit', async () => {
    const host = await startHost({ app: httpApp, env: { AzureFunctionsJobHost__functionTimeout: '-1' } });
    expect((await fetch(`${host.url}/empty`)).status).toBe(200);
  });
});

describe('throttling', () => {
  it('answers 429 above maxOutstandingRequests', async () => {
    const env = { AzureFunctionsJobHost__extensions__http__maxOutstandingRequests: '1' };
    const host = await startHost({ app: httpApp, env });
    const first = fetch(`${host.url}/slow?ms=300`);
    await host.line(/slow has begun/);
    expect((await fetch(`${host.url}/empty`)).status).toBe(429);
    expect((await first).status).toBe(200);
    expect((await fetch(`${host.url}/empty`)).status).toBe(200);
  });

  it('lets requests above maxConcurrentRequests wait their turn', async () => {
    const env = { AzureFunctionsJobHost__extensions__http__maxConcurrentRequests: '1' };
    const host = await startHost({ app: httpApp, env });
    const ended: string[] = [];
    const first = fetch(`${host.url}/slow?ms=200`).then(() => ended.push('first'));
    await host.line(/slow has begun/);
    const second = fetch(`${host.url}/empty`).then(() => ended.push('second'));
    await Promise.all([first, second]);
    expect(ended).toEqual(['first', 'second']);
  });
});

it('requests are answered 503 until the app is loaded', async () => {
  const app = await makeApp({
    'functions/a.js': `${library}await new Promise((r) => setTimeout(r, 700)); app.http('ok', { handler: () => ({}) });`,
  });
  const port = await freePort();
  const host = await spawnHost({ app, args: ['--port', String(port)] });
  const seen = new Set<number>();
  while (!seen.has(200)) {
    const answer = await fetch(`http://127.0.0.1:${port}/ok`).catch(() => undefined);
    if (answer) seen.add(answer.status);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect([...seen]).toEqual([503, 200]);
  expect(await host.stop()).toBe(0);
});

it('the homepage is an empty 204 with AzureWebJobsDisableHomepage', async () => {
  const host = await startHost({ app: httpApp, env: { AzureWebJobsDisableHomepage: 'true' } });
  expect((await fetch(host.url)).status).toBe(204);
});
