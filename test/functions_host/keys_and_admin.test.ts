import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostProcess, killHosts, spawnHost, startHost } from './support/host_process.js';
import { type TempApp, tempApp } from './support/temp_app.js';

const source = `import { app } from '@azure/functions';
  const handler = (request) => ({ body: request.query.get('code') ?? 'open' });
  app.http('anyone', { handler });
  app.http('keyed', { authLevel: 'function', handler });
  app.http('other', { authLevel: 'function', handler });
  app.http('master', { authLevel: 'admin', handler });
  app.timer('tick', { schedule: '0 0 0 1 1 *', handler: (timer) => console.log('tick', JSON.stringify(timer)) });
  app.timer('off', { schedule: '0 0 0 1 1 *', handler: () => console.log('off ran') });
  app.storageQueue('work', { queueName: 'work', connection: '', handler: (item, context) => {
    console.log('work', JSON.stringify(item), context.triggerMetadata.queueTrigger);
    if (item === 'bad') throw new Error('bad item');
  } });`;

const keys = {
  masterKey: 'master-key-1',
  hostKeys: { default: 'host-key-1' },
  functionKeys: { keyed: { default: 'keyed-key-1' } },
};

let app: TempApp;
let keyed: HostProcess;
let open: HostProcess;

beforeAll(async () => {
  app = await tempApp({ 'functions/a.js': source, 'keys.json': JSON.stringify(keys) });
  // Nothing answers there: HTTP must be served all the same.
  const storage = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=aaaa';
  const env = {
    AzureWebJobsStorage: `${storage};BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a`,
    'AzureWebJobs.off.Disabled': '1',
  };
  open = await startHost({ app: app.root, env });
  keyed = await startHost({
    app: app.root,
    env,
    args: ['--port', '0', '--keys', join(app.root, 'keys.json')],
  });
});
afterAll(async () => {
  await killHosts();
  await app.remove();
});

function get(path: string, key?: string): Promise<Response> {
  return fetch(keyed.url + path, { headers: key === undefined ? {} : { 'x-functions-key': key } });
}

describe('function keys', () => {
  it.each([
    ['keyed-key-1', 200, 401, 401],
    ['host-key-1', 200, 200, 401],
    ['master-key-1', 200, 200, 200],
    ['wrong-key-1', 401, 401, 401],
    ['', 401, 401, 401],
  ])('%j opens what its level opens', async (key, own, other, master) => {
    const statuses = await Promise.all(
      ['/keyed', '/other', '/master'].map(async (path) => (await get(path, key)).status),
    );
    expect(statuses).toEqual([own, other, master]);
  });

  it('may come as ?code=, but the header wins', async () => {
    expect((await get('/keyed?code=keyed-key-1')).status).toBe(200);
    expect((await get('/keyed?code=wrong-key-1&code=keyed-key-1')).status).toBe(401);
    expect((await get('/keyed?code=keyed-key-1', 'wrong-key-1')).status).toBe(401);
  });

  it('are not asked of an anonymous function, whose ?code= is its own', async () => {
    const answer = await get('/anyone?code=oauth');
    expect([answer.status, await answer.text()]).toEqual([200, 'oauth']);
  });

  it('refuse with an empty body', async () => {
    expect(await (await get('/keyed')).text()).toBe('');
  });

  it('are asked of nobody when none are configured', async () => {
    expect((await fetch(`${open.url}/master`)).status).toBe(200);
  });

  it('must be in a well-formed file, whose faults are told without a key', async () => {
    const file = join(app.root, 'bad_keys.json');
    await writeFile(file, JSON.stringify({ masterKey: 'short', keys: { a: 'not-shown-key' } }));
    const host = await spawnHost({ app: app.root, args: ['--port', '0', '--keys', file] });
    expect(await host.exited).toBe(1);
    expect(host.output()).toContain('keys file: unknown member keys');
    expect(host.output()).toContain(
      'keys file: masterKey.masterKey must be a string of at least 8 characters',
    );
    expect(host.output()).not.toMatch(/not-shown-key|=short/);
  });
});

describe('admin endpoints', () => {
  it('take the master key only, where keys are configured', async () => {
    expect((await get('/admin/host/status', 'host-key-1')).status).toBe(401);
    expect((await get('/admin/host/status', 'master-key-1')).status).toBe(200);
    expect((await get('/admin/host/status')).status).toBe(401);
  });

  it('tell the host status and answer ping', async () => {
    const status = await (await fetch(`${open.url}/admin/host/status`)).json();
    expect(status).toMatchObject({ state: 'Running', version: expect.stringMatching(/^4\./) });
    expect((await fetch(`${open.url}/admin/host/ping`)).status).toBe(200);
    expect((await fetch(`${open.url}/admin/host/nothing`)).status).toBe(404);
  });

  it('list functions with their bindings and whether they are switched off', async () => {
    const list = (await (await fetch(`${open.url}/admin/functions`)).json()) as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual([
      'anyone',
      'keyed',
      'other',
      'master',
      'tick',
      'off',
      'work',
    ]);
    const off = await (await fetch(`${open.url}/admin/functions/OFF`)).json();
    expect(off).toMatchObject({
      name: 'off',
      isDisabled: true,
      config: { bindings: [{ type: 'timerTrigger' }] },
    });
    expect(await (await fetch(`${open.url}/admin/functions/off/status`)).json()).toMatchObject({
      isDisabled: true,
    });
    expect((await fetch(`${open.url}/admin/functions/none`)).status).toBe(404);
  });

  function run(name: string, body: string, type = 'application/json'): Promise<Response> {
    return fetch(`${open.url}/admin/functions/${name}`, {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });
  }

  it('run a timer at once, 202, with a made-up timer that is not past due', async () => {
    const answer = await run('tick', '{"input":""}');
    expect([answer.status, await answer.text()]).toEqual([202, '']);
    const line = await open.line(/^tick /);
    expect(JSON.parse(line.slice(5))).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: null,
      isPastDue: false,
    });
  });

  it('run a function that is switched off', async () => {
    expect((await run('off', '{"input":""}')).status).toBe(202);
    await open.line(/^off ran/);
  });

  it('run a queue function with the input as its message, its failure only in the log', async () => {
    expect((await run('work', '{"input":"{\\"a\\":1}"}')).status).toBe(202);
    await open.line(/^work \{"a":1\}/);
    expect((await run('work', '{"input":"bad"}')).status).toBe(202);
    await open.line(/error Function\.work failed: Error: bad item/);
  });

  it.each([
    ['tick', 'not json', 'application/json', 400],
    ['tick', '', 'application/json', 400],
    ['tick', '[]', 'application/json', 400],
    ['tick', '{"input":{}}', 'application/json', 400],
    ['tick', '{"input":""}', 'text/plain', 415],
    ['none', '{"input":""}', 'application/json', 404],
    ['anyone', '{"input":""}', 'application/json', 400],
  ])('refuse to run %s with %j of %s: %i', async (name, body, type, status) => {
    expect((await run(name, body, type)).status).toBe(status);
  });
});

it('storage that does not answer is told once and does not keep HTTP from being served', async () => {
  await open.line(
    /error Host\.Storage storage does not answer, trying on service="AzureWebJobsStorage \(queues\)"/,
  );
  await open.line(/service="AzureWebJobsStorage \(blobs\)"/);
  expect((await fetch(`${open.url}/anyone`)).status).toBe(200);
  expect(open.output().match(/storage does not answer/g)).toHaveLength(2);
});
