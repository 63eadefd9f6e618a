import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

export interface Compiled {
  readonly folder: string;
  readonly command: string;
  remove(): Promise<void>;
}

/** Compiles the gateway into a folder of its own inside the repository, so that its imports resolve. */
export async function compileGateway(): Promise<Compiled> {
  const parent = join(root, '.local/test');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'easyauth-'));
  const project = join(folder, 'tsconfig.json');
  const compilerOptions = { outDir: join(folder, 'dist'), rootDir: root, sourceMap: false };
  const files = [join(root, 'easyauth/cli.ts')];
  const extending = join(root, 'tsconfig.json');
  await writeFile(project, JSON.stringify({ extends: extending, compilerOptions, files, include: [] }));
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', project]);
  const command = join(folder, 'dist/easyauth/cli.js');
  return { folder, command, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface Running {
  readonly child: ChildProcess;
  output(): string;
  readonly exited: Promise<number | null>;
  /** Waits until the output matches; fails when the command ends before. */
  saying(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs the compiled command with nothing of our environment but PATH. */
export function runGateway(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Running {
  const child = spawn(process.execPath, [command, ...args], {
    env: { PATH: process.env.PATH, ...env },
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
  const saying = async (pattern: RegExp) => {
    for (;;) {
      const match = pattern.exec(output);
      if (match !== null) return match;
      const more = once(child.stdout, 'data').then(() => true);
      const ended = exited.then(() => false);
      if (!(await Promise.race([more, ended]))) throw new Error(`the command ended: ${output}`);
    }
  };
  return { child, output: () => output, exited, saying };
}
