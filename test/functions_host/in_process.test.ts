import { afterAll, describe, expect, it } from 'vitest';
import { startFunctionsHost } from '../../local/functions_host/host.js';
import { type TempApp, tempApp } from './support/temp_app.js';

let app: TempApp;
afterAll(() => app.remove());

describe('a host started from code', () => {
  it('serves the app, cuts off what outlives shutdownTimeout when closed, and is the only one of its process', async () => {
    app = await tempApp({
      'functions/a.cjs': `const { app } = require('@azure/functions');
        app.http('ok', { handler: () => ({ body: 'ok' }) });
        app.http('stuck', { handler: () => new Promise(() => {}) });`,
    });
    const lines: string[] = [];
    const options = { appRoot: app.root, port: 0, env: {}, log: (line: string) => lines.push(line) };
    const host = await startFunctionsHost({ ...options, now: () => 0, shutdownTimeout: 100 });
    expect(host.url).toBe(`http://localhost:${host.port}`);
    expect(await (await fetch(`${host.url}/ok`)).text()).toBe('ok');
    expect(lines[0]).toMatch(/^1970-01-01T00:00:00\.000Z info Host\.Startup /);
    await expect(startFunctionsHost(options)).rejects.toThrow('already run a Functions host');

    const stuck = fetch(`${host.url}/stuck`);
    while (host.running() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await host.close();
    expect((await stuck).status).toBe(500);
    expect(lines.join('\n')).toContain('invocations cut off running=1');
  });
});
