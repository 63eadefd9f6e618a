import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const repository = resolve(import.meta.dirname, '../../..');
const sources = join(repository, 'local/functions_host');

let built: Promise<string> | undefined;

/** Compiles the host's sources, once for each version of them, and gives the path of its `main.js`. */
export function builtHost(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const folder = join(repository, 'node_modules/.cache/functions_host', digest());
  const main = join(folder, 'local/functions_host/main.js');
  if (existsSync(main)) return main;
  const own = `${folder}.${process.pid}`;
  await mkdir(own, { recursive: true });
  // Below node_modules no package.json of the repository is looked at.
  await writeFile(join(own, 'package.json'), '{"type":"module"}');
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const project = join(import.meta.dirname, 'tsconfig.json');
  await promisify(execFile)(process.execPath, [tsc, '-p', project, '--outDir', own]);
  await rename(own, folder).catch(() => rm(own, { recursive: true, force: true }));
  return main;
}

function digest(): string {
  const hash = createHash('sha256');
  for (const path of readdirSync(sources, { recursive: true, encoding: 'utf8' }).sort()) {
    if (path.endsWith('.ts')) hash.update(path).update(readFileSync(join(sources, path)));
  }
  return hash.digest('hex').slice(0, 16);
}
