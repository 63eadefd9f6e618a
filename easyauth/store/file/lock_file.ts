import { randomBytes } from 'node:crypto';
import { open, readFile, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { StoreBusyError } from '../store_errors.js';
import type { Lease } from '../token_store.js';

/** After this a lock counts as left behind. Longer than the work under it may take: provider calls end after 15 s. */
const staleMs = 30_000;
const patienceMs = 40_000;

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Makes a file, mode 0600, unless there is one: true for exactly one of many who try. */
export async function create(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
    await file.close();
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Removes a file that may be gone already. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
}

async function ageMs(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Whether the lock's owner ran on this machine and is gone, so that nobody needs to wait for the lock to age. */
async function ownerIsGone(path: string): Promise<boolean> {
  const [host, pid] = ((await textOf(path)) ?? '').split(' ');
  if (host !== hostname() || !/^\d+$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

async function isStale(path: string): Promise<boolean> {
  return ((await ageMs(path)) ?? 0) > staleMs || ownerIsGone(path);
}

/**
 * Removes a lock left behind by a gateway that died. Only one taker at a time may judge and remove (`.break`): without it a slow
 * taker would remove the lock that a faster one has just made.
 */
export async function breakStale(path: string): Promise<void> {
  const guard = `${path}.break`;
  if (!(await create(guard, ''))) {
    if (((await ageMs(guard)) ?? 0) > staleMs) await remove(guard);
    return;
  }
  try {
    if (await isStale(path)) await remove(path);
  } finally {
    await remove(guard);
  }
}

async function acquire(path: string, owner: string): Promise<void> {
  const giveUp = Date.now() + patienceMs;
  for (let pause = 4; ; pause = Math.min(pause * 1.6, 60)) {
    if (await create(path, owner)) return;
    if (await isStale(path)) await breakStale(path);
    if (Date.now() > giveUp) throw new StoreBusyError('the user document stays locked');
    await wait(pause + Math.random() * pause);
  }
}

/**
 * Runs `work` while this process alone holds the lock file `path`, across processes sharing the directory. The file names its
 * owner, so a holder can tell that it was taken over after 30 s.
 * @throws StoreBusyError after 40 s of waiting
 */
export async function withLockFile<T>(path: string, work: (lease: Lease) => Promise<T>): Promise<T> {
  const owner = `${hostname()} ${process.pid} ${randomBytes(12).toString('hex')}`;
  await acquire(path, owner);
  const lost = async () => (await textOf(path)) !== owner;
  try {
    return await work({ lost });
  } finally {
    if (!(await lost())) await remove(path);
  }
}
