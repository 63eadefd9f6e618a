import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repository } from './built_host.js';

export interface TempApp {
  root: string;
  remove(): Promise<void>;
}

const defaults = {
  'host.json': JSON.stringify({ version: '2.0', extensions: { http: { routePrefix: '' } } }),
  'package.json': JSON.stringify({ type: 'module', main: 'functions/*.{js,mjs,cjs}' }),
};

/** An app folder of the given files, able to import the repository's packages. */
export async function tempApp(files: Readonly<Record<string, string>>): Promise<TempApp> {
  const root = await mkdtemp(join(tmpdir(), 'functions-host-'));
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'), 'junction');
  for (const [path, text] of Object.entries({ ...defaults, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
