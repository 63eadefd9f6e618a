import { createServer } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { killHosts, spawnHost, startHost } from './support/host_process.js';
import { type TempApp, tempApp } from './support/temp_app.js';

const apps: TempApp[] = [];

afterEach(killHosts);
afterAll(() => Promise.all(apps.map((app) => app.remove())));

async function makeApp(files: Readonly<Record<string, string>>): Promise<string> {
  const app = await tempApp(files);
  apps.push(app);
  return app.root;
}

const ok = "import { app } from '@azure/functions';\napp.http('ok', { handler: () => ({ body: 'ok' }) });\n";
const library = "import { app, output, input, trigger } from '@azure/functions';\n";

/** Starts an app that must be refused, and gives what it said. */
async function refusal(
  files: Readonly<Record<string, string>>,
  env: Record<string, string> = {},
): Promise<string> {
  const host = await spawnHost({ app: await makeApp(files), env });
  expect(await host.exited).toBe(1);
  expect(host.output()).not.toContain('listening url');
  return host.output();
}

describe('an app that cannot be run ends the process with code 1 and a message', () => {
  it('when an entry file throws, naming the file and the error, before or after its registrations', async () => {
    const text = await refusal({
      'functions/a.js': "throw new Error('cannot read the moon');",
      'functions/b.js': `${ok}throw new TypeError('too late');`,
      'functions/c.cjs': "require('@azure/functions'); require('./missing.cjs');",
    });
    expect(text).toContain('entry file functions/a.js failed to load: Error: cannot read the moon');
    expect(text).toContain('entry file functions/b.js failed to load: TypeError: too late');
    expect(text).toContain('entry file functions/c.cjs failed to load: Error: Cannot find module');
  });

  it('when no entry file registers a function', async () => {
    expect(await refusal({ 'functions/a.js': library })).toContain('the app has 0 functions');
  });

  it('when main matches nothing', async () => {
    expect(await refusal({})).toContain('"main" matches no file: functions/*.{js,mjs,cjs}');
  });

  it('when two functions have one name, ignoring case', async () => {
    const text = await refusal({ 'functions/a.js': ok, 'functions/b.js': ok.replace("'ok'", "'OK'") });
    expect(text).toContain('A function with the name "OK" is registered twice');
  });

  it('when names, routes, bindings and schedules are wrong: all of them at once', async () => {
    const text = await refusal({
      'functions/a.js': `${library}
        const handler = () => ({});
        app.http('1st', { handler });
        app.http('host', { handler });
        app.http('adm', { route: 'administration', handler });
        app.http('run', { route: '/Runtime/x', handler });
        app.http('braces', { route: 'a/{b', handler });
        app.http('constraint', { route: '{b:prime}', handler });
        app.http('level', { authLevel: 'root', handler });
        app.http('twinA', { route: 'twin/{a}', methods: ['GET'], handler });
        app.http('twinB', { route: 'TWIN/{a}', methods: ['GET', 'PUT'], handler });
        app.http('twinC', { route: 'twin/{a}', methods: ['POST'], handler });
        app.serviceBusQueue('bus', { queueName: 'q', connection: 'C', handler });
        app.http('blobOut', { extraOutputs: [output.storageBlob({ path: 'a/b', connection: 'C' })], handler });
        app.http('tableIn', { extraInputs: [input.table({ tableName: 't', connection: 'C' })], handler });
        app.timer('late', { schedule: '0 0 0 * * 7', handler });
        app.timer('unset', { schedule: '%NOT_SET%', handler });
        app.storageQueue('q', { queueName: 'Not_A_Queue', connection: 'NOWHERE', handler });
      `,
    });
    for (const part of [
      'function "1st": a name is',
      'function "host": a name is',
      'function "adm": a route must not begin with',
      'function "run": a route must not begin with',
      'function "braces": route "a/{b": its braces do not match',
      'function "constraint": route "{b:prime}": unknown constraint "prime"',
      'function "level": unknown authLevel "root"',
      'function "twinB": route "TWIN/{a}" is already that of "twinA"',
      'function "bus": this host does not know the trigger serviceBusTrigger',
      'function "blobOut": this host does not know the output binding blob',
      'function "tableIn": this host does not know the input binding table',
      'function "late": schedule "0 0 0 * * 7": weekday 7 is not between 0 and 6',
      'function "late": app setting AzureWebJobsStorage is missing',
      'schedule: %NOT_SET% does not resolve, no app setting NOT_SET',
      'function "q": app setting NOWHERE is missing',
      'function "q": queueName "Not_A_Queue" is not',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('twinC"');
  });

  it('when streaming is switched on', async () => {
    const text = await refusal({ 'functions/a.js': `${ok}app.setup({ enableHttpStream: true });` });
    expect(text).toContain('enableHttpStream is not served');
  });

  it('when a hook name is unknown', async () => {
    const source = `${ok}
      import { createRequire } from 'node:module';
      const core = createRequire(import.meta.url)('@azure/functions-core');
      try { core.registerHook('dinner', () => {}); }
      catch (error) { throw new Error([error instanceof RangeError, error.isAzureFunctionsSystemError].join()); }`;
    expect(await refusal({ 'functions/a.js': source })).toContain('failed to load: Error: true,true');
  });

  it('when an appStart hook throws', async () => {
    const source = `${ok}app.hook.appStart(() => { throw new Error('no start'); });`;
    expect(await refusal({ 'functions/a.js': source })).toContain('an appStart hook failed: no start');
  });

  it('when its port is taken, naming port and setting', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const address = holder.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const env = { FUNCTIONS_PORT: String(port) };
    const host = await spawnHost({ app: await makeApp({ 'functions/a.js': ok }), env, args: [] });
    expect(await host.exited).toBe(1);
    expect(host.output()).toMatch(new RegExp(`port ${port} is already in use: .*FUNCTIONS_PORT`));
    holder.close();
  });

  it.each([
    [['--port', 'x'], '--port must be a port number'],
    [['--prot', '1'], "Unknown option '--prot'"],
  ])('when its arguments are %j', async (args, message) => {
    const host = await spawnHost({ app: await makeApp({ 'functions/a.js': ok }), args });
    expect([await host.exited, host.output()]).toEqual([1, expect.stringContaining(message)]);
  });

  it('when host.json or local.settings.json is wrong, naming each member and never a value', async () => {
    const text = await refusal({
      'functions/a.js': ok,
      'host.json': JSON.stringify({
        version: '1.0',
        functionTimeout: 'soon',
        logging: { logLevel: { default: 'Loud' } },
        extensions: {
          http: { routePrefix: 'admin', maxOutstandingRequests: 'few' },
          queues: { batchSize: 33 },
        },
      }),
      'local.settings.json': '{ "Values": { "SECRET": "hunter2", ',
    });
    for (const part of [
      'host.json.version must be "2.0"',
      'host.json.functionTimeout must be a time span',
      'host.json.logging.logLevel.default must be one of',
      'host.json.extensions.http.routePrefix must not begin',
      'host.json.extensions.http.maxOutstandingRequests must be a whole number',
      'host.json.extensions.queues.batchSize must be a whole number from 1 to 32',
      'local.settings.json is not valid JSON',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('hunter2');
  });
});

describe('settings', () => {
  const source = `${library}app.http('show', { handler: () => ({ jsonBody: [process.env.A, process.env.B, process.env.C,
    process.env.AZURE_FUNCTIONS_ENVIRONMENT] }) });`;

  it('come from local.settings.json, where the environment does not already have them', async () => {
    const app = await makeApp({
      'functions/a.js': source,
      'local.settings.json':
        '{ /* c */ "IsEncrypted": false, "Values": { "A": "file", "B": "file", "C": 3, } }',
    });
    const host = await startHost({ app, env: { B: 'environment' } });
    expect(await (await fetch(`${host.url}/show`)).json()).toEqual([
      'file',
      'environment',
      '3',
      'Development',
    ]);
  });

  it('named AzureFunctionsJobHost__… replace members of host.json', async () => {
    const app = await makeApp({ 'functions/a.js': source });
    const host = await startHost({
      app,
      env: { AzureFunctionsJobHost__extensions__http__ROUTEPREFIX: 'v1' },
    });
    expect((await fetch(`${host.url}/v1/show`)).status).toBe(200);
    expect((await fetch(`${host.url}/show`)).status).toBe(404);
  });

  it('the route prefix is api where host.json has none, and unknown members are warned of by path', async () => {
    const app = await makeApp({
      'functions/a.js': source,
      'host.json': JSON.stringify({ version: '2.0', extensions: { http: { maxRequests: 1 }, kafka: {} } }),
    });
    const host = await startHost({ app });
    expect((await fetch(`${host.url}/api/show`)).status).toBe(200);
    expect(host.output()).toContain('warn Host.Startup host.json.extensions.http.maxRequests is not known');
    expect(host.output()).toContain('host.json.extensions.kafka is not known');
  });
});

describe('hooks', () => {
  it('run in order around an invocation and may change its inputs, handler, result and log', async () => {
    const app = await makeApp({
      'functions/a.js': `${library}
        app.hook.appStart((context) => { context.hookData.started = true; });
        app.hook.preInvocation((context) => {
          const inner = context.functionHandler;
          context.hookData.seen = 1;
          context.functionHandler = async (...args) => ({ ...(await inner(...args)), status: 201 });
        });
        app.hook.postInvocation((context) => {
          context.result = { ...context.result, headers: { seen: String(context.hookData.seen) } };
          if (context.error) { context.error = undefined; context.result = { status: 418 }; }
        });
        app.hook.log((context) => { context.message = context.message.toUpperCase(); });
        app.http('fine', { handler: (_, context) => { context.log('shout'); return { body: 'x' }; } });
        app.http('fails', { handler: () => { throw new Error('x'); } });
      `,
    });
    const host = await startHost({ app });
    const fine = await fetch(`${host.url}/fine`);
    expect([fine.status, fine.headers.get('seen'), await fine.text()]).toEqual([201, '1', 'x']);
    expect((await fetch(`${host.url}/fails`)).status).toBe(418);
    expect(await host.line(/SHOUT/)).toContain('Function.fine.User SHOUT function=fine');
  });

  it('that throw fail the invocation', async () => {
    const app = await makeApp({
      'functions/a.js': `${ok}app.hook.preInvocation(() => { throw new Error('no'); });`,
    });
    const host = await startHost({ app });
    expect((await fetch(`${host.url}/ok`)).status).toBe(500);
  });

  it('do not let a function be registered after the start', async () => {
    const app = await makeApp({
      'functions/a.js': `${library}app.http('late', { handler: () => { app.http('x', { handler: () => ({}) }); } });`,
    });
    const host = await startHost({ app });
    expect((await fetch(`${host.url}/late`)).status).toBe(500);
    expect(host.output()).toContain('A function can only be registered during app startup: "x"');
  });
});
