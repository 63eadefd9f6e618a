import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { breakStale, remove } from './lock_file.js';

/** Younger ones may belong to a write or a lock that is under way. */
const leftoverMs = 600_000;
const form = /\.json\.(?:[0-9a-f]{12}\.tmp|lock|lock\.break)$|^[0-9a-f]{64}\.claim$/;

/** The names in a directory that begin with `part`; none when it is not there. */
export async function namesOf(directory: string, part: string): Promise<readonly string[]> {
  const names: string[] = [];
  const entries = await opendir(directory).catch(() => undefined);
  if (entries !== undefined)
    for await (const { name } of entries) if (name.startsWith(part)) names.push(name);
  return names;
}

export async function writtenAt(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

/** Removes an old claim, or a half-written document, lock or lock guard that a killed gateway left; other names are left alone. */
export async function removeLeftover(directory: string, name: string): Promise<void> {
  if (!form.test(name)) return;
  const path = join(directory, name);
  const at = await writtenAt(path);
  if (at === undefined || Date.now() - at < leftoverMs) return;
  await (name.endsWith('.lock') ? breakStale(path) : remove(path));
}
