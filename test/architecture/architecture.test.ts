import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, type SourceFile, sourceFiles } from './source_files.js';

const files = sourceFiles();

/** Imports of files under `from` that are not allowed there, as `file → import`. */
function strays(from: RegExp, isAllowed: (imported: string, file: SourceFile) => boolean): readonly string[] {
  return files
    .filter((file) => from.test(file.path))
    .flatMap((file) =>
      file.imports.filter((name) => !isAllowed(name, file)).map((name) => `${file.path} → ${name}`),
    );
}

const isNode = (name: string) => name.startsWith('node:');
const under =
  (...folders: readonly string[]) =>
  (name: string) =>
    folders.some((folder) => name === folder || name.startsWith(`${folder}/`));

describe('imports run one way (design §3)', () => {
  it('functions/ reaches the broker only through compose and http', () => {
    const allowed = under('shared/compose.ts', 'shared/http', '@azure/functions');
    expect(strays(/^functions\//, allowed)).toEqual([]);
  });

  it('operations/ reaches the broker only through compose, commands and the errors of its settings', () => {
    const allowed = under('operations', 'shared/compose.ts', 'shared/commands', 'shared/config.ts');
    expect(strays(/^operations\//, (name) => allowed(name) || isNode(name))).toEqual([]);
  });

  it('commands/ imports flows, domain, policy and ports, never an adapter', () => {
    const allowed = under(
      'shared/commands',
      'shared/flows',
      'shared/domain',
      'shared/ports.ts',
      'shared/policy.ts',
      'shared/policy',
      'shared/config.ts',
    );
    expect(strays(/^shared\/commands\//, (name) => allowed(name) || isNode(name))).toEqual([]);
  });

  it('http/ imports flows, grant types, domain and ports, never an adapter', () => {
    const allowed = under(
      'shared/http',
      'shared/flows',
      'shared/grant_types',
      'shared/domain',
      'shared/ports.ts',
      'shared/policy.ts',
      'shared/config.ts',
      '@azure/functions',
    );
    expect(strays(/^shared\/http\//, (name) => allowed(name) || isNode(name))).toEqual([]);
  });

  it('flows/ and grant_types/ know domain, ports and provider rules, and no SDK', () => {
    const allowed = under(
      'shared/flows',
      'shared/grant_types',
      'shared/domain',
      'shared/providers',
      'shared/ports.ts',
      'shared/policy.ts',
    );
    expect(strays(/^shared\/(flows|grant_types)\//, (name) => allowed(name) || isNode(name))).toEqual([]);
  });

  it('grant types do not know flows', () => {
    expect(strays(/^shared\/grant_types\//, (name) => !name.startsWith('shared/flows/'))).toEqual([]);
  });

  it('domain/ is pure: it imports itself and hashing, and asks for no time, chance or environment', () => {
    const allowed = (name: string) => under('shared/domain')(name) || name === 'node:crypto';
    expect(strays(/^shared\/domain\//, allowed)).toEqual([]);
    const impure = files.filter(
      (file) =>
        /^shared\/(domain\/|config\.ts|settings\/|providers\/)/.test(file.path) &&
        /Date\.now|new Date\(\)|Math\.random|process\.|randomBytes|randomUUID/.test(file.text),
    );
    expect(impure.map((file) => file.path)).toEqual([]);
  });

  it('only compose imports adapters', () => {
    const importers = files
      .filter((file) => file.imports.some((name) => name.startsWith('shared/adapters/')))
      .map((file) => file.path)
      .filter((path) => !/^shared\/(adapters\/|compose\/|compose\.ts)/.test(path));
    expect(importers).toEqual([]);
  });

  it('SDK names appear only in adapters, the Functions library only in functions/ and http/', () => {
    const sdk = (name: string) => /^(@azure\/(?!functions)|jose$|undici$)/.test(name);
    expect(strays(/^(functions|shared)\/(?!adapters\/)/, (name) => !sdk(name))).toEqual([]);
    const outside = /^shared\/(?!http\/)/;
    expect(strays(outside, (name) => name !== '@azure/functions')).toEqual([]);
  });

  it('shared/ knows nothing of easyauth/, local/, portal/ and client/; easyauth/ nothing of shared/ and local/', () => {
    expect(strays(/^shared\//, (name) => !under('easyauth', 'local', 'portal', 'client')(name))).toEqual([]);
    expect(strays(/^easyauth\//, (name) => !under('shared', 'local', 'functions', 'portal')(name))).toEqual(
      [],
    );
  });

  it('no file imports itself through others', () => {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      if (done.has(path) || trail.includes(path)) return;
      for (const next of valueImports(byPath.get(path))) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const file of files) visit(file.path, []);
    expect(cycles).toEqual([]);
  });
});

/** Imports that exist at run time: a type has no loading order. */
function valueImports(file: SourceFile | undefined): readonly string[] {
  if (!file) return [];
  const types = new Set(
    [...file.text.matchAll(/import type [^;]*? from '([^']+)'/g)].map((match) => match[1] ?? ''),
  );
  const stems = [...types].map((name) => name.replace(/^(\.\.?\/)+/, '').replace(/\.js$/, '.ts'));
  return file.imports.filter((name) => !stems.some((stem) => name.endsWith(stem)));
}

describe('files and functions keep to their sizes (design §3)', () => {
  it('half the files have at most 80 lines, nine in ten at most 200, none over 350', () => {
    const sizes = files.map((file) => file.lines).sort((a, b) => a - b);
    const at = (share: number) => sizes[Math.floor(sizes.length * share)] ?? 0;
    expect(at(0.5)).toBeLessThanOrEqual(80);
    expect(at(0.9)).toBeLessThanOrEqual(200);
    expect(files.filter((file) => file.lines > 350).map((file) => file.path)).toEqual([]);
  });

  it('file names are snake_case', () => {
    const odd = files.filter((file) => !/(^|\/)[a-z0-9_]+(\.d)?\.tsx?$/.test(file.path));
    expect(odd.map((file) => file.path)).toEqual([]);
  });

  it('there is no any', () => {
    const loose = files.filter((file) => /:\s*any\b|\bas any\b|<any>|@ts-ignore|@ts-nocheck/.test(file.text));
    expect(loose.map((file) => file.path)).toEqual([]);
  });
});

describe('what is deployed', () => {
  it('package.json main loads every compiled entry file', () => {
    const { main } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(main).toBe('dist/functions/*.js');
  });

  it('.funcignore leaves out folders of ours alone: each pattern is anchored, and none is what the app needs', () => {
    const lines = readFileSync(join(ROOT, '.funcignore'), 'utf8').split('\n');
    const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
    expect(patterns.filter((pattern) => !pattern.startsWith('/'))).toEqual([]);
    const needed = [
      '/dist/',
      '/dist/functions/',
      '/dist/shared/',
      '/node_modules/',
      '/host.json',
      '/policy.json',
      '/package.json',
    ];
    expect(patterns.filter((pattern) => needed.includes(pattern))).toEqual([]);
  });

  it('what is deployed imports only packages that a production install brings', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const imported = files
      .filter((file) => /^(functions|operations|shared|easyauth|client)\//.test(file.path))
      .flatMap((file) => file.imports)
      .filter((name) => !/^(node:|functions\/|operations\/|shared\/|easyauth\/|client\/)/.test(name))
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect([...new Set(imported)].filter((name) => !(name in dependencies))).toEqual([]);
  });

  it('every setting the broker reads stands in local.settings.sample.json or in docs/settings.md', () => {
    const config = files
      .filter(({ path }) => /^shared\/(config\.ts|settings\/)/.test(path))
      .map(({ text }) => text)
      .join('\n');
    const settings = [...new Set(config.match(/\b(BROKER|WEBSITE|MICROSOFT)_[A-Z_]*[A-Z]\b(?!_)/g))];
    const documented = readFileSync(join(ROOT, 'docs/settings.md'), 'utf8');
    expect(settings.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  });
});
