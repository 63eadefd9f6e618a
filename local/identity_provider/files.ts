import { mkdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder only its owner can enter, with its parents; an existing one is left as it is. */
export function ensurePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Reads a text file; undefined when it does not exist. Any other failure is thrown. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Replaces a file whole, readable by its owner only. Readers and a process killed half way see the old content
 * or the new, never a part. One writer per file at a time: the temporary name is fixed.
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  ensurePrivateFolder(dirname(path));
  const temporary = `${path}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

/**
 * Reads a file, or writes it from `make` when there is none yet.
 * @returns the content now on disk
 */
export async function readOrCreate(path: string, make: () => string | Promise<string>): Promise<string> {
  const existing = readIfPresent(path);
  if (existing !== undefined) return existing;
  const content = await make();
  await replaceFile(path, content);
  return content;
}
