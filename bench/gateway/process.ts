import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export interface Started {
  readonly child: ChildProcess;
  /** Microseconds of processor time used so far by the program and its children; NaN where the system does not tell. */
  cpuTime(): number;
  stop(): Promise<void>;
}

/** Starts a program; `stop` ends it and waits. What it says to stderr is shown. */
export function start(command: string, args: readonly string[], env: Record<string, string> = {}): Started {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    child,
    cpuTime: () => cpuTimeOf(child.pid ?? 0),
    stop: async () => {
      child.kill('SIGTERM');
      const killed = wait(5_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
      await Promise.race([exited, killed]);
      await exited;
    },
  };
}

/** A clock tick of /proc, in microseconds: 100 a second on every Linux this runs on. */
const tick = 10_000;

function statOf(pid: string): { parent: number; ticks: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}

function cpuTimeOf(root: number): number {
  if (!existsSync('/proc/self/stat')) return Number.NaN;
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), stat: statOf(pid) }));
  const family = stats.filter(({ pid, stat }) => pid === root || stat?.parent === root);
  return family.reduce((sum, { stat }) => sum + (stat?.ticks ?? 0) * tick, 0);
}

/** The first match in what the program says on stdout. */
export function saying({ child }: Started, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => reject(new Error(`ended before it was ready: ${text}`)));
    const heard = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
      const found = pattern.exec(text)?.[1];
      if (found === undefined) return;
      // What comes later must not be gathered while something is measured; unread it would fill the pipe.
      child.stdout?.off('data', heard);
      child.stdout?.resume();
      resolve(found);
    };
    child.stdout?.on('data', heard);
  });
}

/** Waits until something answers there with HTTP. */
export async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(url, { redirect: 'manual' }).catch(() => undefined);
    if (answer !== undefined) return;
    await wait(50);
  }
  throw new Error(`nothing answers at ${url}`);
}

/** The first of these files that is there. */
export function installed(...paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}
