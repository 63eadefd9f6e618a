import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';

/** Nothing says which broker the command is for. */
export class NoSettings extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoSettings';
  }
}

export type Settings = Readonly<Record<string, string | undefined>>;

/**
 * The broker's settings for a command, from the first of: `--settings FILE` (the form of `local.settings.json`, or `NAME=value` lines), the
 * environment when it has `BROKER_ISSUER`, the stack that `npm start` runs here. What the environment sets beside them wins.
 * @returns them, and what is left of the arguments
 * @throws NoSettings
 */
export function operatorSettings(
  args: readonly string[],
  env: Settings,
): { readonly settings: () => Settings; readonly args: readonly string[] } {
  const rest: string[] = [];
  let file: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--settings') file = args[++at] ?? '';
    else if (arg.startsWith('--settings=')) file = arg.slice('--settings='.length);
    else rest.push(arg);
  }
  return { settings: () => readFrom(file, env), args: rest };
}

function readFrom(file: string | undefined, env: Settings): Settings {
  if (file !== undefined) return { ...readFile(file), ...env };
  if (env.BROKER_ISSUER) return env;
  const local = join(resolve(env.LOCAL_STATE_DIR || '.local'), 'local.settings.json');
  try {
    return { ...readFile(local), ...env };
  } catch {
    throw new NoSettings(
      "no broker's settings: set them in the environment (docs/settings.md), name a file with --settings, or bring up a stack with npm start",
    );
  }
}

function readFile(path: string): Settings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new NoSettings('--settings names a file that cannot be read');
  }
  return text.trimStart().startsWith('{') ? readValues(text) : parseEnv(text);
}

function readValues(text: string): Settings {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new NoSettings('--settings names a file that is not valid JSON');
  }
  const values = members(members(document).Values);
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
