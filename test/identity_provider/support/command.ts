import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { directory } from './directory.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** Compiles the provider into a folder of its own inside the repository, so that its imports resolve. */
export async function compileCommand() {
  const parent = join(root, '.local/test');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'idp-'));
  const project = join(folder, 'tsconfig.json');
  const compilerOptions = { outDir: join(folder, 'dist'), rootDir: root, sourceMap: false };
  const files = [join(root, 'local/identity_provider/main.ts')];
  await writeFile(
    project,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] }),
  );
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', project]);
  const directoryFile = join(folder, 'directory.json');
  await writeFile(directoryFile, JSON.stringify(directory));
  const command = join(folder, 'dist/local/identity_provider/main.js');
  return { folder, command, directoryFile, remove: () => rm(folder, { recursive: true, force: true }) };
}

export type Command = Awaited<ReturnType<typeof compileCommand>>;
export type Running = Readonly<{ child: ChildProcess; output: () => string; exited: Promise<number | null> }>;

/** Runs the compiled command, keeping what it prints. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(child, 'close').then(() => child.exitCode);
  return { child, output: () => output, exited };
}

/** The URL the command prints once it listens; fails when it ends before. */
export async function listeningUrl({ output, exited, child }: Running): Promise<string> {
  for (;;) {
    const url = /listening url=(\S+)/.exec(output())?.[1];
    if (url !== undefined) return url;
    const ended = await Promise.race([
      exited.then(() => true),
      once(child.stdout ?? child, 'data').then(() => false),
    ]);
    if (ended) throw new Error(`the command ended: ${output()}`);
  }
}
