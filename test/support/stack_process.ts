import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StackJson } from '../../local/stack/stack_json.js';

const START = fileURLToPath(new URL('../../dist/local/start.js', import.meta.url));

export const FREE_PORTS = {
  EASYAUTH_PORT: '0',
  FUNCTIONS_PORT: '0',
  IDP_PORT: '0',
  AZURITE_BLOB_PORT: '0',
  AZURITE_QUEUE_PORT: '0',
  AZURITE_TABLE_PORT: '0',
};

/** A running `npm start`: the compiled supervisor in a process of its own. */
export interface StackProcess {
  readonly child: ChildProcess;
  readonly stateDir: string;
  readonly output: () => string;
  /** Resolves when the line `Ready` is out; rejects when the process ends before. */
  readonly ready: Promise<StackJson>;
  readonly exited: Promise<number | null>;
  json(): StackJson;
  /** SIGINT, as Ctrl-C sends it. */
  stop(): Promise<number | null>;
}

export function startStackProcess(
  options: { stateDir?: string; env?: Record<string, string> } = {},
): StackProcess {
  const stateDir = options.stateDir ?? temporaryDir();
  const child = spawn(process.execPath, [START], {
    env: { ...process.env, ...FREE_PORTS, LOCAL_STATE_DIR: stateDir, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const json = (): StackJson => JSON.parse(readFileSync(join(stateDir, 'stack.json'), 'utf8')) as StackJson;
  const ready = new Promise<StackJson>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      const before = output;
      output += chunk.toString('utf8');
      if (isReady(output) && !isReady(before)) resolve(json());
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    exited.then((code) => reject(new Error(`ended with ${code} before it was ready:\n${output}`)));
  });
  ready.catch(() => undefined);
  return {
    child,
    stateDir,
    output: () => output,
    ready,
    exited,
    json,
    async stop() {
      child.kill('SIGINT');
      return exited;
    },
  };
}

function isReady(output: string): boolean {
  return /^Ready/m.test(output);
}

const made: string[] = [];

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'token-broker-test-'));
  made.push(dir);
  return dir;
}

export function removeTemporaryDirs(): void {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
