import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The files below `root` that a pattern of `package.json` `main` matches, as paths relative to `root` with `/`, in
 * directory order. Knows `*`, `?`, `**`, `[…]` and `{a,b}`; `node_modules` is never entered by a wildcard.
 */
export function matchFiles(root: string, pattern: string): string[] {
  const found = new Set<string>();
  for (const alternative of expandBraces(pattern.replace(/^\.\//, ''))) {
    walk(root, '', alternative.split('/').filter(Boolean), found);
  }
  return [...found];
}

function walk(root: string, at: string, parts: readonly string[], found: Set<string>): void {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  const deep = part === '**';
  if (deep) walk(root, at, rest, found);
  for (const { name, directory } of entriesMatching(join(root, at), part)) {
    const path = at ? `${at}/${name}` : name;
    if (directory) walk(root, path, deep ? parts : rest, found);
    else if (rest.length === 0 && !deep) found.add(path);
  }
}

function entriesMatching(folder: string, part: string): { name: string; directory: boolean }[] {
  const test = part === '**' ? /^(?!\.)/ : segmentPattern(part);
  const wild = /[*?[]/.test(part);
  return list(folder).filter(({ name }) => test.test(name) && !(wild && name === 'node_modules'));
}

function list(folder: string): { name: string; directory: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      directory: entry.isDirectory(),
    }));
  } catch {
    return [];
  }
}

function segmentPattern(part: string): RegExp {
  const source = part
    .replace(/[.+^$()|\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]')
    .replace(/\[!/g, '[^');
  const hidden = part.startsWith('.') ? '' : '(?!\\.)';
  return new RegExp(`^${hidden}${source}$`);
}

function expandBraces(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/.exec(pattern);
  if (!match) return [pattern];
  const [, before = '', inside = '', after = ''] = match;
  return inside.split(',').flatMap((choice) => expandBraces(before + choice + after));
}
