import { createHash, timingSafeEqual } from 'node:crypto';
import type { AuthLevel } from '../app/functions.js';
import { isObject, readJsonFile } from '../app/json_file.js';
import type { Report } from '../app/section.js';

/** Function keys, kept as digests. */
export interface KeyRing {
  /** Whether `given` opens a function of this level; for `admin` only the master key does. */
  opens(level: AuthLevel, functionName: string, given: string | undefined): boolean;
}

const noKeys: KeyRing = { opens: () => true };

/**
 * Reads a keys file: `{ "masterKey": "…", "hostKeys": { name: key }, "functionKeys": { function: { name: key } } }`. With no
 * file everything is let in, as `func start` does. A file that cannot be used is a problem that never shows a key.
 */
export function readKeys(path: string | undefined, report: Report): KeyRing {
  if (path === undefined) return noKeys;
  const file = readJsonFile(path, 'the keys file');
  if (file.problem) report.problem(file.problem);
  else if (!isObject(file.value)) report.problem('the keys file is missing or not an object');
  if (!isObject(file.value)) return { opens: () => false };
  const { masterKey, hostKeys = {}, functionKeys = {}, ...others } = file.value;
  for (const name of Object.keys(others)) report.problem(`keys file: unknown member ${name}`);
  const master = digests({ masterKey }, 'masterKey', report);
  const host = digests(hostKeys, 'hostKeys', report);
  const functions = new Map<string, Buffer[]>();
  for (const [name, keys] of Object.entries(isObject(functionKeys) ? functionKeys : {})) {
    functions.set(name.toLowerCase(), digests(keys, `functionKeys.${name}`, report));
  }
  return {
    opens(level, functionName, given) {
      if (level === 'anonymous') return true;
      if (!given) return false;
      const digest = sha256(given);
      const own = functions.get(functionName.toLowerCase()) ?? [];
      const accepted = level === 'admin' ? master : [...master, ...host, ...own];
      return accepted.some((key) => timingSafeEqual(key, digest));
    },
  };
}

function digests(keys: unknown, path: string, report: Report): Buffer[] {
  if (!isObject(keys)) {
    report.problem(`keys file: ${path} must be an object of names and keys`);
    return [];
  }
  const found: Buffer[] = [];
  for (const [name, key] of Object.entries(keys)) {
    if (typeof key === 'string' && key.length >= 8) found.push(sha256(key));
    else report.problem(`keys file: ${path}.${name} must be a string of at least 8 characters`);
  }
  return found;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
