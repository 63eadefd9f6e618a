import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { builtHost } from './built_host.js';

export interface HostProcess {
  /** `http://127.0.0.1:port`, or empty when it never listened. */
  url: string;
  pid: number;
  /** Everything it has printed. */
  output(): string;
  /** Resolves when a printed line matches. */
  line(pattern: RegExp): Promise<string>;
  /** Its exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

export interface HostProcessOptions {
  app: string;
  env?: Readonly<Record<string, string>>;
  args?: readonly string[];
}

const running = new Set<HostProcess>();

/** Starts the compiled host on a free port and resolves when it listens or has ended. */
export async function startHost(options: HostProcessOptions): Promise<HostProcess> {
  const host = await spawnHost(options);
  const listening = host.line(/ listening url=/);
  const first = await Promise.race([listening, host.exited.then(() => '')]);
  const port = /localhost:(\d+)/.exec(first)?.[1];
  if (!port) throw new Error(`the host did not start:\n${host.output()}`);
  host.url = `http://127.0.0.1:${port}`;
  return host;
}

/** As {@link startHost}, without waiting for it to listen. */
export async function spawnHost({
  app,
  env = {},
  args = ['--port', '0'],
}: HostProcessOptions): Promise<HostProcess> {
  const main = await builtHost();
  const child = spawn(process.execPath, [main, '--app', app, ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH ?? '', LOCAL_STATE_DIR: app, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = collect(child);
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(host);
      resolve(code ?? signal ?? -1);
    });
  });
  const host: HostProcess = {
    url: '',
    pid: child.pid ?? 0,
    output: lines.output,
    line: lines.line,
    exited,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
  running.add(host);
  return host;
}

/** A port nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Kills every host a test left running. */
export async function killHosts(): Promise<void> {
  await Promise.all([...running].map((host) => host.stop('SIGKILL')));
}

function collect(child: ChildProcess): Pick<HostProcess, 'output' | 'line'> {
  let text = '';
  const waiting = new Set<() => void>();
  const add = (chunk: Buffer) => {
    text += chunk.toString('utf8');
    for (const look of waiting) look();
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return {
    output: () => text,
    line: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const found = text.split('\n').find((line) => pattern.test(line));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
