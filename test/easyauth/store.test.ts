import { fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../easyauth/config/read.js';
import { keysOf, readMasterKeys } from '../../easyauth/crypto/keys.js';
import { createSealer } from '../../easyauth/crypto/seal.js';
import { createFileStore } from '../../easyauth/store/file/file_store.js';
import type { TokenEntry } from '../../easyauth/store/token_entry.js';
import { createTokenVault } from '../../easyauth/store/token_vault.js';
import { createBrowser } from './support/browser.js';
import { aliceOid } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'easyauth-store-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const user = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const { settings } = readSettings({ globalValidation: { unauthenticatedClientAction: 'Return401' } }, {});
const keys = () => keysOf(readMasterKeys({ settings, env: {}, stateDir: directory, log: () => {} }));
const entry: TokenEntry = { provider: 'aad', userId: 'alice', claims: [], accessToken: 'canary-at' };

async function vault(lines: string[] = []) {
  const store = await createFileStore(join(directory, 'tokens'));
  const log = (_level: string, message: string) => lines.push(message);
  return createTokenVault({ store, sealer: createSealer(keys(), 'token store'), log, now: Date.now });
}

describe('§6 §9 keys [D/M]', () => {
  it('are made once, kept with mode 0600, and the same for everybody who shares the directory', async () => {
    const [first, second] = [keys(), keys()];
    const sealed = createSealer(first, 'x').seal('text');
    expect(createSealer(second, 'x').open(sealed)).toBe('text');
    expect((await stat(join(directory, 'keys.json'))).mode & 0o777).toBe(0o600);
  });

  it('of one purpose do not open what was sealed for another', () => {
    const sealed = createSealer(keys(), 'session cookie').seal('text');
    expect(createSealer(keys(), 'token store').open(sealed)).toBeUndefined();
  });

  it('that are no keys, or only half set, are refused by name', () => {
    const load = (env: Record<string, string>) => () =>
      keysOf(readMasterKeys({ settings, env, stateDir: directory, log: () => {} }));
    expect(load({ WEBSITE_AUTH_ENCRYPTION_KEY: 'ab'.repeat(32) })).toThrow(/set both or none/);
    const bad = { WEBSITE_AUTH_ENCRYPTION_KEY: 'canary', WEBSITE_AUTH_SIGNING_KEY: 'ab'.repeat(32) };
    expect(load(bad)).toThrow(/WEBSITE_AUTH_ENCRYPTION_KEY: must be hexadecimal/);
    expect(load(bad)).not.toThrow(/canary/);
  });
});

describe('§6 §9 sealed values [M]', () => {
  it('do not open when any one byte changed, or under another context', () => {
    const sealer = createSealer(keys(), 'x');
    const sealed = sealer.seal('some text', 'here');
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(sealer.open(changed, 'here')).toBeUndefined();
    }
    expect(sealer.open(sealed, 'there')).toBeUndefined();
    expect(sealer.open(sealed.subarray(0, 40), 'here')).toBeUndefined();
    expect(sealer.open(sealed, 'here')).toBe('some text');
  });
});

describe('§9 the file store [M]', () => {
  it('§9 keeps one file a user, named in hexadecimal, mode 0600, nothing readable in it', async () => {
    await (await vault()).put(user, entry);
    const path = join(directory, 'tokens', `${user}.json`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expect(Object.keys(JSON.parse(text))).toEqual(['version', 'encrypted', 'tokens']);
    expect(text).not.toMatch(/canary|alice/);
  });

  it('§9 keeps the entries of other providers', async () => {
    const own = await vault();
    await own.put(user, { ...entry, provider: 'google' });
    expect([...((await own.find(user))?.entries.keys() ?? [])]).toEqual(['aad', 'google']);
  });

  it('shows another instance’s write at once', async () => {
    const [one, two] = [await vault(), await vault()];
    await one.put(user, entry);
    expect((await two.find(user))?.entries.get('aad')?.accessToken).toBe('canary-at');
    await one.put(user, { ...entry, accessToken: 'newer' });
    expect((await two.find(user))?.entries.get('aad')?.accessToken).toBe('newer');
    await one.remove(user);
    expect(await one.glance(user)).toBeUndefined();
    expect(await two.find(user)).toBeUndefined();
  });

  it('an entry copied to another user’s file does not open there', async () => {
    const own = await vault();
    await own.put(user, entry);
    const text = await readFile(join(directory, 'tokens', `${user}.json`), 'utf8');
    await writeFile(join(directory, 'tokens', `${other}.json`), text);
    const lines: string[] = [];
    expect((await (await vault(lines)).find(other))?.entries.size).toBe(0);
    expect(lines.join()).toContain('does not open');
  });

  it('a broken file counts as empty and is told in the log', async () => {
    await writeFile(join(directory, 'tokens', `${other}.json`), '{"tokens":');
    const lines: string[] = [];
    expect((await (await vault(lines)).find(other))?.entries.size).toBe(0);
    expect(lines.join()).toContain('cannot be read');
  });

  it('a name that is no hexadecimal is refused before it reaches the disk', async () => {
    const store = await createFileStore(join(directory, 'tokens'));
    expect(() => store.read('../keys')).toThrow(TypeError);
  });
});

describe('§9 the lock of the file store [U]', () => {
  const lockOf = () => join(directory, 'tokens', `${user}.json.lock`);

  it('lets one work at a time, over instances', async () => {
    const stores = await Promise.all([1, 2, 3].map(() => createFileStore(join(directory, 'tokens'))));
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((done) => setTimeout(done, 2));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 30 }, (_, index) => stores[index % 3]?.exclusive(user, work)));
    expect(most).toBe(1);
    expect((await readdir(join(directory, 'tokens'))).filter((name) => name.includes('lock'))).toEqual([]);
  });

  it('is given back when the work fails', async () => {
    const store = await createFileStore(join(directory, 'tokens'));
    await expect(store.exclusive(user, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await store.exclusive(user, async () => 'next')).toBe('next');
  });

  it('of a process that died is taken over at once, an old one of another machine too', async () => {
    const child = fork('-e', [], { execArgv: ['-e', ''], stdio: 'ignore' });
    await new Promise((done) => child.once('exit', done));
    const store = await createFileStore(join(directory, 'tokens'));
    await writeFile(lockOf(), `${hostname()} ${child.pid} x`);
    expect(await store.exclusive(user, async (lease) => lease.lost())).toBe(false);
    await writeFile(lockOf(), 'elsewhere 1 x');
    const past = new Date(Date.now() - 31_000);
    await utimes(lockOf(), past, past);
    expect(await store.exclusive(user, async (lease) => lease.lost())).toBe(false);
  });

  it('tells its holder when it was taken over', async () => {
    const store = await createFileStore(join(directory, 'tokens'));
    const lost = await store.exclusive(user, async (lease) => {
      await writeFile(lockOf(), 'somebody else');
      return lease.lost();
    });
    expect(lost).toBe(true);
    expect(await readFile(lockOf(), 'utf8')).toBe('somebody else');
    await rm(lockOf());
  });
});

describe('§5.6 §9 the file store through the gateway [D/M]', () => {
  const stack = useStack();
  it('§5.6 nothing of a user is left on disk after sign-out, and never anything readable', async () => {
    const { gateway, stateDir } = stack();
    const browser = createBrowser();
    await browser.signIn(`${gateway.url}/.auth/login/aad`);
    const [name = ''] = await readdir(join(stateDir, 'tokens'));
    expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
    const text = await readFile(join(stateDir, 'tokens', name), 'utf8');
    for (const canary of ['alice', aliceOid, 'rt.', 'at.', 'eyJhbGci']) expect(text).not.toContain(canary);
    await browser.ask(`${gateway.url}/.auth/logout`);
    expect(await readdir(join(stateDir, 'tokens'))).toEqual([]);
  });
});
