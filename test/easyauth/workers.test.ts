import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createExchange } from '../../easyauth/cluster/exchange.js';
import type { ToWorker } from '../../easyauth/cluster/messages.js';
import { createRestartBudget } from '../../easyauth/cluster/restart_budget.js';
import { type Browser, createBrowser } from './support/browser.js';
import { type Running, runGateway } from './support/command.js';
import { type ServedCommand, useCommandStack } from './support/command_stack.js';
import type { Seen } from './support/echo_app.js';

const workers = 2;

const stack = useCommandStack();
const running: ServedCommand[] = [];
afterEach(async () => {
  for (const { child } of running) child.kill('SIGTERM');
  await Promise.all(running.splice(0).map(({ exited }) => exited));
});

async function serve(
  changes: Record<string, unknown> = {},
  env: Record<string, string> = {},
): Promise<ServedCommand> {
  const served = await stack().serve({ changes, env, workers });
  running.push(served);
  return served;
}

/** Runs `work` once for each worker and more: every new connection goes to the next one. */
function everywhere<T>(browser: Browser, work: (browser: Browser) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: 2 * workers }, () => work(createBrowser(new Map(browser.jar)))));
}

async function signedIn({ url }: ServedCommand): Promise<Browser> {
  const browser = createBrowser();
  await browser.signIn(`${url}/.auth/login/aad`);
  return browser;
}

const page =
  ({ url }: ServedCommand) =>
  async (browser: Browser) => {
    const answer = await browser.ask(`${url}/api`);
    return answer.status === 200 ? answer.json<Seen>().headers : undefined;
  };

async function workersOf({ child }: Running): Promise<number[]> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', String(child.pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.split('\n').filter(Boolean).map(Number);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(20);
}

describe('§1 §4.3 §9 one command, several processes [I]', () => {
  it('a user signed in at one is known to all, and parallel refreshes at all make one provider call', async () => {
    const served = await serve();
    const browser = await signedIn(served);
    for (const headers of await everywhere(browser, page(served)))
      expect(headers?.['x-ms-token-aad-refresh-token']).toHaveLength(1);
    const calls = stack().provider.tokenCalls.length;
    const statuses = await everywhere(
      browser,
      async (each) => (await each.ask(`${served.url}/.auth/refresh`)).status,
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(stack().provider.tokenCalls.length - calls).toBe(1);
  });

  it('a sign-out at one is seen at once by all, even where they remember tokens of a container for seconds', async () => {
    const served = await serve({}, await stack().inBlobs());
    const browser = await signedIn(served);
    const copy = createBrowser(new Map(browser.jar));
    // What is remembered counts only for sessions that are older than two clocks may differ.
    await wait(2_100);
    for (const headers of await everywhere(copy, page(served)))
      expect(headers?.['x-ms-token-aad-access-token']).toHaveLength(1);
    expect((await browser.ask(`${served.url}/.auth/logout`)).status).toBe(302);
    for (const headers of await everywhere(copy, page(served))) {
      expect(headers?.['x-ms-client-principal-id']).toHaveLength(1);
      expect(Object.keys(headers ?? {}).filter((name) => name.startsWith('x-ms-token'))).toEqual([]);
    }
  });

  it('large uploads, and WebSockets with what is sent at once, pass whichever process serves them', async () => {
    const { url } = await serve();
    const body = 'x'.repeat(3_000_000);
    const bytes = await everywhere(createBrowser(), async (each) => {
      return (await each.ask(`${url}/public/up`, { method: 'POST', body })).json<Seen>().bytes;
    });
    expect(new Set(bytes)).toEqual(new Set([body.length]));
    const { port } = new URL(url);
    const echoes = await everywhere(createBrowser(), async () => {
      const socket = connect(Number(port), '127.0.0.1');
      const head =
        'GET /public/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
      socket.write(`${head}hello`);
      let heard = '';
      for await (const chunk of socket) {
        heard += String(chunk);
        if (heard.includes('echo:hello')) return heard.split('\r\n')[0];
      }
      return heard;
    });
    expect(new Set(echoes)).toEqual(new Set(['HTTP/1.1 101 Switching Protocols']));
  });

  it('starts under a supervisor whose preloaded module lets go of the channel', async () => {
    // The first process answers late, so that nothing but the channel can keep a worker meanwhile.
    const code = `import cluster from 'node:cluster';
      process.channel?.unref();
      cluster.on('fork', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700));`;
    const preload = `data:text/javascript,${encodeURIComponent(code)}`;
    const served = await serve({}, { NODE_OPTIONS: `--import=${preload}` });
    expect((await createBrowser().ask(`${served.url}/public/x`)).status).toBe(200);
  });

  it('each process loads what is wrong once: one message, exit code 1', async () => {
    const run = runGateway(
      stack().compiled.command,
      [
        '--config',
        join(stack().directory, 'none.json'),
        '--upstream',
        stack().app.url,
        '--workers',
        '3',
        '--port',
        '0',
      ],
      {},
    );
    expect(await run.exited).toBe(1);
    expect(run.output().match(/cannot be read/g)).toHaveLength(1);
  });
});

const places: [string, () => Promise<[Record<string, unknown>, Record<string, string>]>][] = [
  ['a directory', async () => [{}, {}]],
  ['a blob container', async () => [{}, await stack().inBlobs()]],
  ['no token store', async () => [{ 'login.tokenStore.enabled': false }, {}]],
];

describe.each(places)('§5.3 a native code, several processes with %s [I]', (_name, place) => {
  it('is redeemed by one of many who try at once', async () => {
    const [changes, env] = await place();
    const served = await serve(
      { ...changes, 'login.allowedExternalRedirectUrls': ['myapp://easyauth.callback'] },
      env,
    );
    const verifier = randomBytes(32).toString('base64url');
    const start = new URLSearchParams({
      post_login_redirect_url: 'myapp://easyauth.callback',
      code_challenge: createHash('sha256').update(verifier).digest('base64'),
      code_challenge_method: 'S256',
      session_mode: 'token',
    });
    const browser = createBrowser();
    const done = await browser.signIn(`${served.url}/.auth/login/aad?${start}`);
    const code = new URL(String(done.headers.location)).searchParams.get('authorization_code') ?? '';
    const query = new URLSearchParams({ authorization_code: code, code_verifier: verifier });
    const statuses = await everywhere(browser, async (each) => {
      return (await each.ask(`${served.url}/.auth/login/aad/token?${query}`)).status;
    });
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: 2 * workers - 1 }, () => 401)]);
  });
});

describe('§1 workers that end [I]', () => {
  it('are replaced, and the others serve meanwhile', async () => {
    const served = await serve();
    const browser = await signedIn(served);
    const before = await workersOf(served);
    // What is in the file by now is for the next start.
    await writeFile(join(served.stateDir, 'auth.json'), '{ half an edit');
    process.kill(before[0] ?? 0, 'SIGKILL');
    await served.saying(/a worker was replaced worker=0/);
    expect((await workersOf(served)).filter((pid) => before.includes(pid))).toHaveLength(workers - 1);
    for (const headers of await everywhere(browser, page(served))) expect(headers).toBeDefined();
    expect(served.output()).toMatch(/error easyauth a worker ended worker=0 signal=SIGKILL/);
  });

  it('over and over stop the gateway with exit code 1, and nobody is left', async () => {
    const served = await serve();
    let pids: number[] = [];
    while (served.child.exitCode === null) {
      pids = await workersOf(served);
      if (pids[0] !== undefined && isAlive(pids[0])) process.kill(pids[0], 'SIGKILL');
      await Promise.race([wait(30), served.exited]);
    }
    expect(await served.exited).toBe(1);
    expect(served.output()).toContain('workers keep ending, so the gateway stops');
    await until(() => !pids.some(isAlive));
  });

  it('wait longer each time, five times within a minute at most', () => {
    let now = 0;
    const next = createRestartBudget(() => now);
    expect([next(), next(), next(), next(), next(), next()]).toEqual([0, 100, 200, 400, 800, undefined]);
    now = 60_000;
    expect(next()).toBe(0);
  });
});

describe('§1 stopping several processes [I]', () => {
  it('SIGTERM lets a running request end, takes no more, and exits with 0', async () => {
    const served = await serve();
    stack().provider.script.tokenDelayMs = 400;
    const before = stack().provider.tokenCalls.length;
    const signIn = signedIn(served);
    await until(() => stack().provider.tokenCalls.length > before);
    served.child.kill('SIGTERM');
    const browser = await signIn;
    stack().provider.script.tokenDelayMs = 0;
    expect(browser.jar.has('AppServiceAuthSession')).toBe(true);
    expect(await served.exited).toBe(0);
    await expect(createBrowser().ask(`${served.url}/api`)).rejects.toThrow();
  });

  it('none outlives the first process, however that ended', async () => {
    const served = await serve();
    const pids = await workersOf(served);
    expect(pids).toHaveLength(workers);
    served.child.kill('SIGKILL');
    await until(() => !pids.some(isAlive));
  });
});

describe('§9 what processes of one gateway say to each other [I]', () => {
  const hand = () => {
    const heard: ToWorker[] = [];
    return { heard, send: (message: ToWorker) => void heard.push(message) };
  };

  it('who changed a user hears back once all others have forgotten, those that end meanwhile left out', () => {
    const exchange = createExchange(() => 0);
    const [asking, slow, gone] = [hand(), hand(), hand()];
    for (const each of [asking, slow, gone]) exchange.join(each);
    exchange.hear(asking, { kind: 'changed', user: 'u', id: 7 });
    const [message] = slow.heard;
    if (message?.kind !== 'forget') throw new Error('nothing to forget');
    exchange.leave(gone);
    expect(asking.heard).toEqual([]);
    exchange.hear(slow, { kind: 'forgot', id: message.id });
    expect(asking.heard).toEqual([{ kind: 'done', id: 7, first: true }]);
  });

  it('a claim is granted once until it ends', () => {
    let now = 0;
    const exchange = createExchange(() => now);
    const [one, two] = [hand(), hand()];
    const claim = (from: ReturnType<typeof hand>) =>
      exchange.hear(from, { kind: 'claim', key: 'k', until: 10, id: 1 });
    claim(one);
    claim(two);
    now = 10;
    claim(two);
    expect([...one.heard, ...two.heard].map((each) => each.kind === 'done' && each.first)).toEqual([
      true,
      false,
      true,
    ]);
  });
});
