import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Browser, createBrowser } from './support/browser.js';
import { type ServedCommand, useCommandStack } from './support/command_stack.js';
import type { Seen } from './support/echo_app.js';

const users = 8;
const rounds = 2;
const callers = 4;

const stack = useCommandStack();
beforeAll(() => {
  stack().provider.script.idTokenOnRefresh = false;
});

interface Pair {
  readonly urls: readonly [string, string];
  readonly runs: readonly ServedCommand[];
  readonly stateDir: string;
}

/** Two gateway processes over one state directory and one token store. */
async function startPair(env: Record<string, string>): Promise<Pair> {
  const stateDir = await mkdtemp(join(stack().directory, 'pair-'));
  const start = () => stack().serve({ env, stateDir, workers: 1 });
  const [one, two] = await Promise.all([start(), start()]);
  return { urls: [one.url, two.url], runs: [one, two], stateDir };
}

async function stopPair({ runs }: Pair): Promise<void> {
  for (const run of runs) run.child.kill('SIGTERM');
  expect(await Promise.all(runs.map((run) => run.exited))).toEqual([0, 0]);
}

async function signInAll({ urls }: Pair): Promise<Browser[]> {
  const browsers: Browser[] = [];
  for (let index = 0; index < users; index += 1) {
    stack().provider.script.user = { oid: `user-${index}`, sub: `user-${index}` };
    const browser = createBrowser();
    await browser.signIn(`${urls[index % 2]}/.auth/login/aad`);
    browsers.push(browser);
  }
  stack().provider.script.user = {};
  return browsers;
}

/** Page loads at both gateways until told to stop; each must carry the user's tokens. The number served. */
async function load({ urls }: Pair, browser: Browser, running: () => boolean): Promise<number> {
  let served = 0;
  while (running()) {
    const answer = await createBrowser(new Map(browser.jar)).ask(`${urls[served % 2]}/api`);
    const { headers } = answer.json<Seen>();
    expect([answer.status, headers['x-ms-token-aad-refresh-token']?.length]).toEqual([200, 1]);
    served += 1;
  }
  return served;
}

/** Every user refreshes several times at once, at both gateways. */
async function refreshRound({ urls }: Pair, browsers: readonly Browser[]): Promise<void> {
  const answers = browsers.flatMap((browser) =>
    Array.from({ length: callers }, (_, index) =>
      createBrowser(new Map(browser.jar)).ask(`${urls[index % 2]}/.auth/refresh`),
    ),
  );
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual(statuses.map(() => 200));
}

const refreshes = () =>
  stack().provider.tokenCalls.filter((form) => form.get('grant_type') === 'refresh_token');

const kinds: [string, () => Promise<Record<string, string>>][] = [
  ['directory', async () => ({})],
  ['blob container', () => stack().inBlobs()],
];

describe.each(kinds)('§4.3 §9 two gateway processes sharing a %s, under load [D/M]', (_kind, place) => {
  it('each refresh round makes exactly one provider call a user, and no token is lost', async () => {
    const pair = await startPair(await place());
    const browsers = await signInAll(pair);
    let running = true;
    const loads = browsers.map((browser) => load(pair, browser, () => running));
    const before = refreshes().length;
    for (let round = 1; round <= rounds; round += 1) {
      await refreshRound(pair, browsers);
      expect(refreshes().length - before).toBe(round * users);
      // Refreshes within a second of one another count as one round, and these processes run on the real clock.
      if (round < rounds) await wait(1_100);
    }
    running = false;
    const served = await Promise.all(loads);
    expect(Math.min(...served)).toBeGreaterThan(0);
    const spent = refreshes().map((form) => form.get('refresh_token'));
    expect(new Set(spent).size).toBe(spent.length);
    for (const browser of browsers) {
      const shown = await Promise.all(
        pair.urls.map(async (url) =>
          (await browser.ask(`${url}/.auth/me`)).json<{ refresh_token: string }[]>(),
        ),
      );
      expect(shown[0]).toEqual(shown[1]);
      expect(spent).not.toContain(shown[0]?.[0]?.refresh_token);
    }
    for (const run of pair.runs) expect(run.output()).not.toMatch(/ (warn|error) easyauth (?!httpSettings)/);
    await stopPair(pair);
  });
});

describe('§9 a gateway killed in the middle of a refresh [U]', () => {
  it('leaves nothing readable and holds nobody up: the other takes over its lock at once', async () => {
    const pair = await startPair({});
    const [browser] = await signInAll(pair);
    if (browser === undefined) throw new Error('nobody is signed in');
    stack().provider.script.tokenDelayMs = 400;
    const cut = createBrowser(new Map(browser.jar)).ask(`${pair.urls[0]}/.auth/refresh`);
    cut.catch(() => {});
    await wait(200);
    pair.runs[0]?.child.kill('SIGKILL');
    await expect(cut).rejects.toThrow();
    stack().provider.script.tokenDelayMs = 0;
    const tokens = join(pair.stateDir, 'tokens');
    expect((await readdir(tokens)).some((name) => name.endsWith('.lock'))).toBe(true);
    const started = Date.now();
    expect((await browser.ask(`${pair.urls[1]}/.auth/refresh`)).status).toBe(200);
    expect(Date.now() - started).toBeLessThan(3_000);
    const left = await readdir(tokens);
    expect(left.filter((name) => !/^[0-9a-f]{64}\.json$/.test(name))).toEqual([]);
    for (const name of left)
      expect(await readFile(join(tokens, name), 'utf8')).not.toMatch(/rt\.|at\.|user-/);
    pair.runs[1]?.child.kill('SIGTERM');
    expect(await pair.runs[1]?.exited).toBe(0);
  });
});
