import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorText } from '../errors.js';
import { runInScope } from '../invocation/scope.js';
import { matchFiles } from './glob.js';
import { isObject, readJsonFile } from './json_file.js';
import type { Report } from './section.js';

// Azure gives up on an app that has not loaded after a minute.
const loadLimitMs = 60_000;

/**
 * Loads, one after the other, every file that `main` of the app's `package.json` matches. Each file that throws, or does
 * not finish within a minute, is one problem; the others are still loaded, so that all problems are told at once.
 */
export async function loadEntryFiles(appRoot: string, report: Report): Promise<void> {
  const file = readJsonFile(join(appRoot, 'package.json'), 'package.json');
  if (file.problem) return report.problem(file.problem);
  if (!isObject(file.value)) return report.problem('package.json is missing');
  const main = file.value.main;
  if (typeof main !== 'string' || main === '') return report.problem('package.json has no "main"');
  const files = findFiles(appRoot, main, report);
  for (const path of files) {
    try {
      await loadWithin(join(appRoot, path), file.value.type === 'module');
    } catch (error) {
      report.problem(`entry file ${path} failed to load: ${errorText(error)}`);
    }
  }
}

function findFiles(appRoot: string, main: string, report: Report): string[] {
  try {
    const files = matchFiles(appRoot, main);
    if (files.length === 0) report.problem(`package.json "main" matches no file: ${main}`);
    return files;
  } catch {
    report.problem(`package.json "main" is not a file pattern: ${main}`);
    return [];
  }
}

async function loadWithin(path: string, moduleApp: boolean): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not loaded within 60 s')), loadLimitMs);
  });
  try {
    await Promise.race([runInScope({ entryFile: path }, () => load(path, moduleApp)), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** As the worker does: `.mjs`, and `.js` of an app of type module, are imported; anything else is required. */
async function load(path: string, moduleApp: boolean): Promise<void> {
  if (path.endsWith('.mjs') || (moduleApp && path.endsWith('.js'))) await import(pathToFileURL(path).href);
  else createRequire(path)(path);
}
