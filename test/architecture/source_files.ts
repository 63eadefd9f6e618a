import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Imported files of this repository, by path, and packages by name. */
  readonly imports: readonly string[];
}

const FOLDERS = ['functions', 'operations', 'shared', 'easyauth', 'local', 'client', 'portal'];
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g;

export function sourceFiles(): readonly SourceFile[] {
  return FOLDERS.flatMap((folder) => walk(join(ROOT, folder))).map(read);
}

function walk(dir: string): readonly string[] {
  if (!statSync(dir, { throwIfNoEntry: false })) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return walk(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function read(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const imports = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
  return {
    path: repositoryPath(path),
    text,
    lines: text.split('\n').length,
    imports: imports.map((name) => (name.startsWith('.') ? target(path, name) : name)),
  };
}

function target(from: string, specifier: string): string {
  return repositoryPath(resolve(dirname(from), specifier)).replace(/\.js$/, '.ts');
}

function repositoryPath(path: string): string {
  return relative(ROOT, path).replaceAll('\\', '/');
}
