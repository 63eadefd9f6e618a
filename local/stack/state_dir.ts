import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackFault } from './fault.js';

/** Writes a file whole or not at all, readable by its owner only. */
export function writePrivate(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/**
 * Makes the state directory this process's own until it ends: two stacks on one directory would destroy each other's data.
 * @returns what gives it up again
 * @throws StackFault when another live process has it
 */
export function claimStateDir(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = join(dir, 'stack.lock');
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw new StackFault(`LOCAL_STATE_DIR cannot be written: ${dir}`);
      const owner = Number(readFileSync(lock, 'utf8'));
      if (isAlive(owner)) throw new StackFault(`the stack is running already (process ${owner}) on ${dir}`);
      rmSync(lock, { force: true });
    }
  }
  throw new StackFault(`the stack is being started by another process on ${dir}`);
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Secrets this machine's stack has made for itself. */
export interface LocalSecrets {
  /** Client secret of the gateway's (and so the broker's) app registration. */
  readonly gatewayClient: string;
  readonly nightlyReport: string;
  readonly mailAgent: string;
  /** Secret of its apps at the providers beside Entra. */
  readonly socialClient: string;
  /** Shared by gateway and Functions host: proves that platform headers come from the gateway. */
  readonly upstream: string;
  /** What a process must show to have a token of the managed identity. */
  readonly identityHeader: string;
  readonly cookieEncryption: string;
  readonly cookieSigning: string;
}

const NAMES = [
  'gatewayClient',
  'nightlyReport',
  'mailAgent',
  'socialClient',
  'upstream',
  'identityHeader',
  'cookieEncryption',
  'cookieSigning',
] as const;

/** Reads the secrets, making those that are missing: they survive restarts, as sessions and sealed rows must. */
export function loadSecrets(dir: string): LocalSecrets {
  const path = join(dir, 'secrets.json');
  const known = readJson(path);
  const secret = (name: string): string => {
    const value = known[name];
    return typeof value === 'string' && value.length >= 32 ? value : randomBytes(32).toString('hex');
  };
  const secrets = Object.fromEntries(NAMES.map((name) => [name, secret(name)])) as Record<
    (typeof NAMES)[number],
    string
  >;
  writePrivate(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

function readJson(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return {};
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Falls through: making new secrets here would lose every sealed row and session.
  }
  throw new StackFault(
    `cannot be read: ${path}. Restore it, or delete the whole state directory to start anew.`,
  );
}
