import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createBrowser } from '../../local/demo/browser.js';
import type { StackJson } from '../../local/stack/stack_json.js';
import { eventually } from '../support/eventually.js';
import {
  isAlive,
  removeTemporaryDirs,
  type StackProcess,
  startStackProcess,
  temporaryDir,
} from '../support/stack_process.js';

const running: StackProcess[] = [];

function start(options: Parameters<typeof startStackProcess>[0] = {}): StackProcess {
  const stack = startStackProcess(options);
  running.push(stack);
  return stack;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((stack) => stack.stop()));
});
afterAll(removeTemporaryDirs);

async function signedIn(stack: StackJson, loginHint: string) {
  const browser = createBrowser();
  const path = `/.auth/login/aad?login_hint=${loginHint}&post_login_redirect_uri=/.auth/me`;
  const page = await browser.visit(`${stack.gateway}${path}`);
  expect(page.status).toBe(200);
  return browser;
}

async function grantOrders(stack: StackJson): Promise<string> {
  const browser = await signedIn(stack, 'alice@contoso.test');
  const json = { client_id: 'nightly-report', resource: 'api://orders', scope: 'orders.read' };
  const answer = await browser.send(`${stack.gateway}/grants`, { method: 'POST', json });
  expect(answer.status).toBe(201);
  return JSON.parse(answer.text).grant_id;
}

async function tokenStatus(stack: StackJson, grantId: string): Promise<number> {
  const [client] = stack.clients;
  const credentials = Buffer.from(`${client?.client_id}:${client?.client_secret}`).toString('base64');
  const response = await fetch(`${stack.gateway}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: grantId,
      resource: 'api://orders',
    }),
  });
  await response.arrayBuffer();
  return response.status;
}

describe('npm start', () => {
  it('brings everything up, tells where in stack.json (owner only), and Ctrl-C ends every part', async () => {
    const stack = start();
    const json = await stack.ready;
    expect(json.users.map((user) => user.login_hint)).toContain('alice@contoso.test');
    expect(json.clients.map((client) => client.client_id)).toEqual(['nightly-report', 'mail-agent']);
    expect(json.resources).toEqual(['https://graph.microsoft.test', 'api://orders']);
    expect(json.auditor).toEqual({ login_hint: 'audra@contoso.test' });
    const path = join(stack.stateDir, 'stack.json');
    expect(statSync(path).mode & 0o077).toBe(0);
    for (const url of [`${json.gateway}/health/ready`, `${json.functions}/health/ready`]) {
      expect((await fetch(url)).status).toBe(200);
    }
    const pids = Object.values(json.pids);
    expect(pids.every(isAlive)).toBe(true);
    expect(await stack.stop()).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
    expect(existsSync(path)).toBe(false);
  });

  it('keeps sessions, connections, grants and signing keys over a restart', async () => {
    const first = start({ env: { FUNCTIONS_PORT: '0' } });
    const before = await first.ready;
    const grantId = await grantOrders(before);
    const keys = await (await fetch(`${before.gateway}/jwks`)).json();
    await first.stop();
    const second = start({ stateDir: first.stateDir, env: samePorts(before) });
    const after = await second.ready;
    expect(await tokenStatus(after, grantId)).toBe(200);
    expect(await (await fetch(`${after.gateway}/jwks`)).json()).toEqual(keys);
  });

  it('brings the Functions host back after SIGKILL, with every connection and grant intact', async () => {
    const stack = start();
    const json = await stack.ready;
    const grantId = await grantOrders(json);
    const killed = json.pids.functions;
    process.kill(killed ?? 0, 'SIGKILL');
    const pid = await eventually('a new Functions host', () => {
      const now = stack.json().pids.functions;
      return now !== killed && now;
    });
    expect(isAlive(pid)).toBe(true);
    expect(await tokenStatus(json, grantId)).toBe(200);
  });

  it('ends with one message and non-zero when another part dies', async () => {
    const stack = start();
    const json = await stack.ready;
    process.kill(json.pids.idp ?? 0, 'SIGKILL');
    expect(await stack.exited).toBe(1);
    expect(stack.output()).toMatch(/^idp ended by SIGKILL$/m);
    expect(Object.values(json.pids).some(isAlive)).toBe(false);
  });

  it('leaves no part behind when the supervisor itself is killed', async () => {
    const stack = start();
    const json = await stack.ready;
    stack.child.kill('SIGKILL');
    await eventually('all parts to end', () => !Object.values(json.pids).some(isAlive));
  });
});

describe('npm start refuses, in one message and with a non-zero exit', () => {
  it('ports that are taken, all of them by port and setting', async () => {
    const [one, two] = [await occupy(), await occupy()];
    const stack = start({ env: { EASYAUTH_PORT: String(one.port), IDP_PORT: String(two.port) } });
    expect(await stack.exited).toBe(1);
    expect(stack.output()).toContain(`port ${one.port} (EASYAUTH_PORT)`);
    expect(stack.output()).toContain(`port ${two.port} (IDP_PORT)`);
    expect(stack.output()).not.toContain('    at ');
    one.server.close();
    two.server.close();
  });

  it('a port that is none', async () => {
    const stack = start({ env: { FUNCTIONS_PORT: 'seven' } });
    expect(await stack.exited).toBe(1);
    expect(stack.output()).toContain('not a port number: FUNCTIONS_PORT');
  });

  it('a policy with every problem at its place in the document', async () => {
    const stateDir = temporaryDir();
    const file = join(stateDir, 'policy.json');
    writeFileSync(
      file,
      JSON.stringify({
        resources: { 'api://orders': { narrowing: 'minted', scopes: ['read'] } },
        clients: {
          one: { auth: { secretSetting: 'NOT_SET' }, resources: { 'api://orders': ['write'] } },
          two: { auth: { secretSetting: 'NOT_SET' }, resources: { 'api://nowhere': ['read'] } },
        },
      }),
    );
    const stack = start({ env: { BROKER_POLICY_FILE: file } });
    expect(await stack.exited).toBe(1);
    expect(stack.output()).toContain('policy/clients/one/resources/api://orders: write is not a scope');
    expect(stack.output()).toContain('policy/clients/one/auth/secretSetting: the setting NOT_SET is missing');
    expect(stack.output()).toContain(
      'policy/clients/two/resources/api://nowhere: is not among the resources',
    );
  });

  it('a policy file that cannot be read', async () => {
    const stack = start({ env: { BROKER_POLICY_FILE: join(temporaryDir(), 'none.json') } });
    expect(await stack.exited).toBe(1);
    expect(stack.output()).toContain('BROKER_POLICY_FILE names a file that cannot be read');
  });

  it('a state directory that another stack is using', async () => {
    const first = start();
    await first.ready;
    const second = startStackProcess({ stateDir: first.stateDir });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain('the stack is running already');
    expect(existsSync(join(first.stateDir, 'stack.json'))).toBe(true);
  });
});

function samePorts(json: StackJson): Record<string, string> {
  const port = (url: string) => new URL(url).port;
  return {
    EASYAUTH_PORT: port(json.gateway),
    FUNCTIONS_PORT: port(json.functions),
    IDP_PORT: port(json.idp),
  };
}

async function occupy(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}
