import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../easyauth/config/read.js';
import { keysOf, readMasterKeys } from '../../easyauth/crypto/keys.js';
import { createSealer } from '../../easyauth/crypto/seal.js';
import { createBlobStore } from '../../easyauth/store/blob/blob_store.js';
import { sasAccess } from '../../easyauth/store/blob/container_access.js';
import { createFileStore } from '../../easyauth/store/file/file_store.js';
import { startPruner } from '../../easyauth/store/pruner.js';
import { StoreConflictError } from '../../easyauth/store/store_errors.js';
import type { TokenEntry } from '../../easyauth/store/token_entry.js';
import type { TokenStore } from '../../easyauth/store/token_store.js';
import { createTokenVault } from '../../easyauth/store/token_vault.js';
import { type BlobServer, startBlobs } from './support/blobs.js';
import { hours } from './support/clock.js';

let directory: string;
let blobs: BlobServer;
const opened: TokenStore[] = [];

beforeAll(async () => {
  [directory, blobs] = await Promise.all([mkdtemp(join(tmpdir(), 'easyauth-contract-')), startBlobs()]);
});
afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()));
  await blobs.close();
  await rm(directory, { recursive: true, force: true });
});

/** A place of its own for each test; every call opens one more instance of a store over it. */
type Place = () => Promise<TokenStore>;
const kinds: [string, () => Promise<Place>][] = [
  [
    'directory',
    async () => {
      const path = join(directory, randomUUID());
      return () => createFileStore(path);
    },
  ],
  [
    'blob container',
    async () => {
      const name = randomUUID();
      await blobs.container(name);
      const url = await blobs.sasUrl(name);
      return async () => createBlobStore(sasAccess({ setting: 'SAS', reveal: () => url }));
    },
  ],
];

async function instances(place: Place, count: number): Promise<TokenStore[]> {
  const stores = await Promise.all(Array.from({ length: count }, place));
  opened.push(...stores);
  return stores;
}

async function single(place: Place): Promise<TokenStore> {
  const [store] = await instances(place, 1);
  if (store === undefined) throw new Error('no store');
  return store;
}

const user = 'ab'.repeat(32);
const { settings } = readSettings({ globalValidation: { unauthenticatedClientAction: 'Return401' } }, {});
const vaultOf = (store: TokenStore, now = Date.now) => {
  const keys = keysOf(readMasterKeys({ settings, env: {}, stateDir: directory, log: () => {} }));
  return createTokenVault({ store, sealer: createSealer(keys, 'token store'), log: () => {}, now });
};
const entry: TokenEntry = { provider: 'aad', userId: 'alice', claims: [], accessToken: 'at' };

async function parts(store: TokenStore, before: number): Promise<string[]> {
  const found: string[] = [];
  for await (const name of store.unusedSince('a', before)) found.push(name);
  return found;
}

describe.each(kinds)('§9 the token store in a %s [D/M]', (_kind, makePlace) => {
  it('a read gives what was written, `unchanged` to who knows it, and nothing after removal', async () => {
    const store = await single(await makePlace());
    expect(await store.read(user)).toBeUndefined();
    await store.write(user, 'one', undefined);
    const read = await store.read(user);
    if (read === undefined || read === 'unchanged') throw new Error('nothing was read');
    expect(read.text).toBe('one');
    expect(await store.read(user, read.version)).toBe('unchanged');
    await store.remove(user);
    await store.remove(user);
    expect(await store.read(user, read.version)).toBeUndefined();
  });

  it('a write made from an older version, or from none where there is one, is refused', async () => {
    const [one, two] = (await instances(await makePlace(), 2)) as [TokenStore, TokenStore];
    await one.write(user, 'one', undefined);
    await expect(two.write(user, 'two', undefined)).rejects.toThrow(StoreConflictError);
    const read = await two.read(user);
    const version = typeof read === 'object' ? read.version : undefined;
    await two.write(user, 'second', version);
    await expect(one.write(user, 'third', version)).rejects.toThrow(StoreConflictError);
    expect(await one.read(user)).toMatchObject({ text: 'second' });
  });

  it('one work at a time for a user over all instances, and a failed one gives the right back', async () => {
    const stores = await instances(await makePlace(), 3);
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((done) => setTimeout(done, 3));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 15 }, (_, index) => stores[index % 3]?.exclusive(user, work)));
    expect(most).toBe(1);
    await expect(stores[0]?.exclusive(user, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await stores[1]?.exclusive(user, async (lease) => lease.lost())).toBe(false);
  });

  it('a claim is granted to one of many who try at once, and never again', async () => {
    const stores = await instances(await makePlace(), 3);
    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, index) => stores[index % 3]?.claim(user)),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await stores[0]?.claim(user)).toBe(false);
    expect(await stores[1]?.claim('ac'.repeat(32))).toBe(true);
    expect(() => stores[2]?.claim('../keys')).toThrow(TypeError);
  });

  it('entries of several providers written at once by several instances are all kept', async () => {
    const stores = await instances(await makePlace(), 4);
    const names = ['aad', 'google', 'github', 'facebook'];
    await Promise.all(
      stores.map(async (store, index) => {
        const vault = vaultOf(store);
        await vault.exclusive(user, () => vault.put(user, { ...entry, provider: names[index] ?? '' }));
      }),
    );
    const found = await vaultOf(await single(async () => stores[0] as TokenStore)).find(user);
    expect([...(found?.entries.keys() ?? [])].sort()).toEqual([...names].sort());
  });

  it('who has just signed in at another instance sees the new tokens at once', async () => {
    const [one, two] = (await instances(await makePlace(), 2)).map((store) => vaultOf(store));
    if (one === undefined || two === undefined) throw new Error('no stores');
    await one.put(user, entry);
    expect((await two.glance(user))?.entries.get('aad')?.accessToken).toBe('at');
    await one.put(user, { ...entry, accessToken: 'newer' });
    expect((await two.glance(user, Date.now()))?.entries.get('aad')?.accessToken).toBe('newer');
  });

  it('§9 pruning takes what no session can use any more, and nothing else, several instances at once', async () => {
    const stores = await instances(await makePlace(), 2);
    const later = () => Date.now() + 35 * 24 * hours;
    const long = 'ac'.repeat(32);
    const vault = vaultOf(stores[0] as TokenStore);
    await vault.put(user, entry);
    await vault.put(long, { ...entry, expiresAt: later() });
    const sweepers = stores.map((store) =>
      startPruner({
        store,
        vault: vaultOf(store),
        pruneAfterMs: 34 * 24 * hours,
        refreshExtensionMs: 72 * hours,
        now: later,
        log: () => {},
      }),
    );
    expect(await parts(stores[0] as TokenStore, Date.now() - hours)).toEqual([]);
    const removed = await Promise.all(sweepers.map((sweeper) => sweeper.sweep('a')));
    expect(removed.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(await vault.find(user)).toBeUndefined();
    expect((await vault.find(long))?.entries.size).toBe(1);
    await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
  });
});

describe('§9 what a killed gateway leaves in the directory [U]', () => {
  it('is removed once it is old: half-written documents, locks, lock guards, claims; nothing else is touched', async () => {
    const path = join(directory, 'leftovers');
    const store = await createFileStore(path);
    const document = `${user}.json`;
    const left = [
      `${document}.0123456789ab.tmp`,
      `${document}.lock`,
      `${document}.lock.break`,
      `${user}.claim`,
    ];
    const kept = [
      'a-note.txt',
      `${document}.bak`,
      `${'ac'.repeat(32)}.json.lock`,
      `${'ac'.repeat(32)}.claim`,
    ];
    for (const name of [...left, ...kept]) await writeFile(join(path, name), 'elsewhere 1 x');
    const old = new Date(Date.now() - 700_000);
    for (const name of [...left, ...kept.slice(0, 2)]) await utimes(join(path, name), old, old);
    expect(await parts(store, 0)).toEqual([]);
    const names = await readdir(path);
    expect(names.sort()).toEqual([...kept].sort());
  });
});
