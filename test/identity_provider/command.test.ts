import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readOptions } from '../../local/identity_provider/options.js';
import { type Command, compileCommand, listeningUrl, type Running, run } from './support/command.js';
import { ALICE, BROKER, REDIRECT, SECRET, TID } from './support/directory.js';
import { type Answer, codes, field, readAnswer } from './support/provider.js';

let built: Command;
let state: string;
let running: Running | undefined;

beforeAll(async () => {
  built = await compileCommand();
});
afterAll(() => built.remove());
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'idp-state-'));
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.exited;
  await rm(state, { recursive: true, force: true });
});

async function start(port: string): Promise<string> {
  running = run(built.command, [
    '--directory',
    built.directoryFile,
    '--state',
    join(state, 'idp'),
    '--port',
    port,
  ]);
  return listeningUrl(running);
}

async function kill(signal: NodeJS.Signals): Promise<number | null | undefined> {
  running?.child.kill(signal);
  return running?.exited;
}

async function token(url: string, values: Record<string, string>): Promise<Answer> {
  const body = new URLSearchParams({ client_id: BROKER, client_secret: SECRET, ...values });
  return readAnswer(await fetch(`${url}/${TID}/oauth2/v2.0/token`, { method: 'POST', body }));
}

async function newCode(url: string): Promise<string> {
  const query = new URLSearchParams({
    client_id: BROKER,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid offline_access Mail.Read',
    login_hint: 'alice@contoso.test',
  });
  const response = await fetch(`${url}/${TID}/oauth2/v2.0/authorize?${query}`, { redirect: 'manual' });
  return new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '';
}

const redeem = (url: string, code: string): Promise<Answer> =>
  token(url, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT });
const refresh = (url: string, refresh_token: string): Promise<Answer> =>
  token(url, { grant_type: 'refresh_token', refresh_token, scope: 'openid offline_access Mail.Read' });

describe('after SIGKILL and a restart', () => {
  it('refresh tokens, unused codes, consents, knobs, keys and the memory of used codes are all there', async () => {
    const url = await start('0');
    const [used, unused] = [await newCode(url), await newCode(url)];
    const first = await redeem(url, used);
    const body = JSON.stringify({ accessTokenSeconds: 77 });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/_admin/lifetimes`, { method: 'POST', body, headers });
    await fetch(`${url}/_admin/users/bob@contoso.test/disable`, { method: 'POST' });
    await kill('SIGKILL');

    const again = await start(new URL(url).port);
    expect(again).toBe(url);
    const refreshed = await refresh(url, field(first, 'refresh_token'));
    expect(refreshed.body).toMatchObject({ expires_in: 77, scope: 'Mail.Read openid' });
    const kid = (answer: Answer): string | undefined =>
      decodeProtectedHeader(field(answer, 'access_token')).kid;
    expect(kid(refreshed)).toBe(kid(first));
    expect(codes(await redeem(url, used))).toEqual([54005]);
    expect((await redeem(url, unused)).status).toBe(200);
    const known = await (await fetch(`${url}/_admin/state`)).text();
    expect(known).toContain('"disabled":true');

    await fetch(`${url}/_admin/users/${ALICE}/revoke`, { method: 'POST' });
    await kill('SIGKILL');
    await start(new URL(url).port);
    expect(codes(await refresh(url, field(first, 'refresh_token')))).toEqual([50173]);
  });

  it('kills at any moment of many redemptions never let a code work twice', async () => {
    let url = await start('0');
    const spent: string[] = [];
    for (const round of [1, 2, 3]) {
      const fresh = await Promise.all(Array.from({ length: 8 }, () => newCode(url)));
      const calls = fresh.map(async (code) => {
        const answer = await redeem(url, code).catch(() => undefined);
        if (answer?.status === 200) spent.push(code);
      });
      await Promise.race(calls.slice(0, round * 2));
      await kill('SIGKILL');
      await Promise.all(calls);
      url = await start(new URL(url).port);
    }
    expect(spent.length).toBeGreaterThan(0);
    for (const code of spent) expect(codes(await redeem(url, code))).toEqual([54005]);
  });
});

describe('the command', () => {
  it('keeps its files to itself: folder 0700, every file 0600', async () => {
    const url = await start('0');
    await redeem(url, await newCode(url));
    const folder = join(state, 'idp');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const files = await readdir(folder);
    expect(files.sort()).toEqual(['identity_header', 'seal.key', 'signing_keys.json', 'state.json']);
    for (const file of files) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    await start('0');
    expect(await kill(signal)).toBe(0);
  });

  it('answers on the loopback address only', async () => {
    const { port } = new URL(await start('0'));
    expect((await fetch(`http://127.0.0.1:${port}/error`)).status).toBe(200);
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    for (const { address, family } of addresses.filter((one) => !one.internal && one.family === 'IPv4')) {
      await expect(fetch(`http://${address}:${port}/error`), family).rejects.toThrow();
    }
  });

  it('says in one line that a port is taken, with its number and setting, and exits 1', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = String(address !== null && typeof address === 'object' ? address.port : 0);
    const second = run(built.command, ['--directory', built.directoryFile, '--state', state], {
      IDP_PORT: port,
    });
    expect(await second.exited).toBe(1);
    server.close();
    expect(second.output().trim().split('\n')).toHaveLength(1);
    expect(second.output()).toContain(`port ${port} is taken: set IDP_PORT`);
  });

  it('refuses an unusable directory or state file with a clear line, and exits 1', async () => {
    const missing = run(built.command, [
      '--directory',
      join(state, 'none.json'),
      '--state',
      state,
      '--port',
      '0',
    ]);
    expect(await missing.exited).toBe(1);
    expect(missing.output()).toMatch(/error idp .*no such file/);
    await writeFile(join(state, 'state.json'), '{"version":2}');
    const newer = run(built.command, ['--directory', built.directoryFile, '--state', state, '--port', '0']);
    expect(await newer.exited).toBe(1);
    expect(newer.output()).toContain('state.json is not a state file of this version');
  });
});

describe('its settings', () => {
  it('come from flags, then IDP_PORT, then the default 9400', () => {
    const args = ['--directory', 'd', '--state', 's'];
    expect(readOptions(args, {}).port).toBe(9400);
    expect(readOptions(args, { IDP_PORT: '1' }).port).toBe(1);
    expect(readOptions([...args, '--port', '0'], { IDP_PORT: '1' }).port).toBe(0);
    expect(readOptions(args, { IDP_IDENTITY_HEADER: 'h' }).identityHeader).toBe('h');
  });

  it('are refused with every problem by name', () => {
    expect(() => readOptions(['--port', '99999', '--public-url', 'x'], {})).toThrow(
      /--directory is missing.*\n--state is missing.*\n--port \(IDP_PORT\).*\n--public-url/,
    );
    expect(() => readOptions(['--nope'], {})).toThrow(/--nope/);
  });
});
