import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import autocannon from 'autocannon';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import { type Compiled, compileGateway } from './support/command.js';
import { type EchoApp, startEchoApp } from './support/echo_app.js';
import { clientSecret, type ScriptedProvider, startScriptedProvider } from './support/scripted_provider.js';
import { ordinaryConfig } from './support/stack.js';

const program = fileURLToPath(new URL('./apps/measured_gateway.mjs', import.meta.url));

let compiled: Compiled;
let app: EchoApp;
let provider: ScriptedProvider;
let stateDir: string;
let child: ChildProcess;
let url: string;

async function told(): Promise<Record<string, unknown>> {
  const [message] = await once(child, 'message');
  return message as Record<string, unknown>;
}

beforeAll(async () => {
  [compiled, app, provider, stateDir] = await Promise.all([
    compileGateway(),
    startEchoApp(),
    startScriptedProvider({ now: Date.now, advance: () => {} }),
    mkdtemp(join(tmpdir(), 'easyauth-memory-')),
  ]);
  const env = { AAD_SECRET: clientSecret };
  const options = { config: ordinaryConfig(provider.issuer), upstream: app.url, stateDir, env };
  const module = pathToFileURL(join(compiled.folder, 'dist/easyauth/gateway.js')).href;
  child = fork(program, [module, JSON.stringify(options)], { execArgv: ['--expose-gc'] });
  url = String((await told()).url);
});
afterAll(async () => {
  child.kill('SIGKILL');
  await Promise.all([app.close(), provider.close(), compiled.remove()]);
  await rm(stateDir, { recursive: true, force: true });
});

/** Bytes the gateway's heap holds after collecting garbage. */
async function heap(): Promise<number> {
  child.send('measure');
  return Number((await told()).heap);
}

/** Every kind of request: signed in, anonymous, forged cookies and tokens that differ each time, own routes. */
async function requests(amount: number, cookie: string): Promise<void> {
  let count = 0;
  const differing = (name: string, value: () => string) => ({
    setupRequest: (request: autocannon.Request) => {
      count += 1;
      return { ...request, headers: { [name]: value() } };
    },
  });
  const result = await autocannon({
    url,
    amount,
    connections: 20,
    requests: [
      { path: '/api', headers: { cookie } },
      { path: '/public/x' },
      { path: '/.auth/me', headers: { cookie } },
      { path: '/api', ...differing('cookie', () => `AppServiceAuthSession=1forged${count}`) },
      { path: '/api', ...differing('authorization', () => `Bearer forged${count}.e30.x`) },
      { path: '/api', ...differing(`x-odd`, () => `${count}`) },
    ],
  });
  expect([result.errors, result['5xx']]).toEqual([0, 0]);
}

describe('§1 memory [I]', () => {
  it('stays flat over 10,000 requests of every kind (npm run bench measures 100,000)', async () => {
    const browser = createBrowser();
    await browser.signIn(`${url}/.auth/login/aad`);
    const cookie = `AppServiceAuthSession=${browser.jar.get('AppServiceAuthSession')}`;
    await requests(2_000, cookie);
    app.seen.length = 0;
    const before = await heap();
    await requests(10_000, cookie);
    app.seen.length = 0;
    const grown = (await heap()) - before;
    expect(grown).toBeLessThan(2_000_000);
  });
});
