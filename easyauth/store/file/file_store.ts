import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyQueue } from '../key_queue.js';
import { StoreConflictError } from '../store_errors.js';
import { claimName, documentName, type Lease, type TokenStore, userOfDocument } from '../token_store.js';
import { namesOf, removeLeftover, writtenAt } from './leftovers.js';
import { create, withLockFile } from './lock_file.js';

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

/** Writes and syncs a file of its own beside `path`, mode 0600; gives its name. A failed one is removed. */
async function writeBeside(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await removeFile(temporary);
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/**
 * The version is the file's inode, time and size, asked synchronously: on a local disk that is cheaper than a turn through the
 * thread pool.
 */
function versionOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino}-${stats.mtimeNs}-${stats.size}`;
}

/** Token documents in a directory: `<user>.json`, mode 0600, replaced by renaming a finished and synced file. */
export async function createFileStore(directory: string): Promise<TokenStore> {
  const makeDirectory = () => mkdir(directory, { recursive: true, mode: 0o700 });
  await makeDirectory();
  const queued = createKeyQueue();
  const pathOf = (user: string) => join(directory, documentName(user));
  return {
    glanceMs: 5,
    read: (user, known) => {
      const path = pathOf(user);
      const version = versionOf(path);
      if (version === undefined) return undefined;
      if (version === known) return 'unchanged';
      return textAt(path).then((text) => (text === undefined ? undefined : { version, text }));
    },
    write: async (user, text, replaces) => {
      const path = pathOf(user);
      const temporary = await writeBeside(path, text);
      if (versionOf(path) !== replaces) {
        await removeFile(temporary);
        throw new StoreConflictError('another version is stored');
      }
      await rename(temporary, path);
    },
    remove: async (user) => removeFile(pathOf(user)),
    exclusive: <T>(user: string, work: (lease: Lease) => Promise<T>) =>
      queued(user, async () => {
        // The directory may have been wiped while we run; users then sign in again, which must work.
        await makeDirectory();
        return withLockFile(`${pathOf(user)}.lock`, work);
      }),
    claim: (key) => {
      const path = join(directory, claimName(key));
      return makeDirectory().then(() => create(path, ''));
    },
    writtenAt: (user) => writtenAt(pathOf(user)),
    async *unusedSince(part, before) {
      for (const name of await namesOf(directory, part)) {
        const user = userOfDocument(name);
        if (user === undefined) await removeLeftover(directory, name);
        else if (((await writtenAt(join(directory, name))) ?? before) < before) yield user;
      }
    },
    close: async () => {},
  };
}
