import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, renameSync, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackFault } from './fault.js';

/** One process of the stack. */
export interface PartSpec {
  readonly name: string;
  /** Arguments to this Node: the script first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** Resolves true once the part serves. */
  readonly isReady: () => Promise<boolean>;
  /** Which of its lines the user should see; all of them are in the log file. */
  readonly shows: (line: string) => boolean;
}

export interface Part {
  readonly name: string;
  pid(): number | undefined;
  /** Resolves when the process has ended by itself or otherwise. */
  readonly ended: Promise<string>;
  /** SIGTERM, then SIGKILL when it does not end. */
  stop(): Promise<void>;
}

const READY_WAIT_MS = 60_000;
const POLL_MS = 50;
const STOP_WAIT_MS = 15_000;
const PRELOAD = new URL('../exit_with_parent.js', import.meta.url).href;

/**
 * Starts a part and waits until it serves.
 * @throws StackFault with the part's last lines when it ends or does not get ready
 */
export async function startPart(spec: PartSpec): Promise<Part> {
  // Its own process group: Ctrl-C reaches the supervisor alone, which then stops the parts in order.
  const child = spawn(process.execPath, ['--import', PRELOAD, ...spec.args], {
    env: { ...spec.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  const log = openLog(spec.logFile);
  const lastLines: string[] = [];
  const take = (line: string): void => {
    log.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > 8) lastLines.shift();
    if (spec.shows(line)) process.stdout.write(`[${spec.name}] ${line}\n`);
  };
  for (const stream of [child.stdout, child.stderr]) if (stream) readLines(stream, take);
  const ended = endOf(child, log);
  const part = partOf(spec.name, child, ended);
  await waitReady(spec, part, lastLines);
  return part;
}

function openLog(path: string): WriteStream {
  if (existsSync(path)) renameSync(path, `${path}.1`);
  return createWriteStream(path, { flags: 'w', mode: 0o600 });
}

function readLines(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
}

function endOf(child: ChildProcess, log: WriteStream): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      log.end();
      resolve(signal ? `ended by ${signal}` : `ended with code ${code}`);
    });
  });
}

function partOf(name: string, child: ChildProcess, ended: Promise<string>): Part {
  return {
    name,
    pid: () => child.pid,
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const late = sleep(STOP_WAIT_MS, 'late', { ref: false });
      if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
      await ended;
    },
  };
}

async function waitReady(spec: PartSpec, part: Part, lastLines: readonly string[]): Promise<void> {
  const deadline = Date.now() + READY_WAIT_MS;
  let end: string | undefined;
  part.ended.then((reason) => {
    end = reason;
  });
  while (end === undefined && Date.now() < deadline) {
    if (await spec.isReady().catch(() => false)) return;
    await sleep(POLL_MS);
  }
  await part.stop();
  const why = end ?? `was not ready after ${READY_WAIT_MS / 1000} s`;
  throw new StackFault(`${spec.name} ${why}\n${lastLines.map((line) => `  ${line}`).join('\n')}`);
}
