import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { withLockFile } from './lock_file.js';
import type { Lease, TokenStore } from './token_store.js';

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Queues work per key inside this process, so that only one request per user competes for the lock file. */
function createQueue() {
  const tails = new Map<string, Promise<unknown>>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const before = tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}

/**
 * Token documents in a directory: `<user>.json`, mode 0600, replaced by renaming a finished and synced file. The version is the
 * file's inode, time and size, asked synchronously: on a local disk that is cheaper than a turn through the thread pool.
 */
export async function createFileStore(directory: string): Promise<TokenStore> {
  const makeDirectory = () => mkdir(directory, { recursive: true, mode: 0o700 });
  await makeDirectory();
  const queued = createQueue();
  const pathOf = (user: string) => {
    if (!/^[0-9a-f]{16,128}$/.test(user)) throw new TypeError('a user key is lower-case hexadecimal');
    return join(directory, `${user}.json`);
  };
  const version = (user: string) => {
    const stats = statSync(pathOf(user), { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : `${stats.ino}-${stats.mtimeNs}-${stats.size}`;
  };
  return {
    version,
    read: async (user) => {
      const before = version(user);
      if (before === undefined) return undefined;
      try {
        return { version: before, text: await readFile(pathOf(user), 'utf8') };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    write: async (user, text) => {
      const path = pathOf(user);
      const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    },
    remove: async (user) => {
      await unlink(pathOf(user)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
    exclusive: <T>(user: string, work: (lease: Lease) => Promise<T>) =>
      queued(user, async () => {
        // The directory may have been wiped while we run; users then sign in again, which must work.
        await makeDirectory();
        return withLockFile(`${pathOf(user)}.lock`, work);
      }),
  };
}
