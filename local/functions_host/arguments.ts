import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HostStartError } from './errors.js';

export const usage = `usage: node main.js --app DIR [--port N] [--keys FILE]
  --app   the Functions app: a folder with host.json and package.json (default: this folder)
  --port  default FUNCTIONS_PORT, else local.settings.json, else 7071; 0 takes a free one
  --keys  function keys (JSON); default function_keys.json in LOCAL_STATE_DIR, where there is one`;

export interface Arguments {
  appRoot: string;
  port: number | undefined;
  keys: string | undefined;
}

/** Reads the command line and its environment. Undefined when help was asked for; throws `HostStartError` for anything unknown. */
export function readArguments(argv: readonly string[], env: NodeJS.ProcessEnv): Arguments | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const port = values.port ?? (env.FUNCTIONS_PORT || undefined);
  const name = values.port === undefined ? 'FUNCTIONS_PORT' : '--port';
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65535)) {
    throw new HostStartError([`${name} must be a port number from 0 to 65535`]);
  }
  return {
    appRoot: resolve(values.app ?? '.'),
    port: port === undefined ? undefined : Number(port),
    keys: values.keys === undefined ? keysInState(env) : resolve(values.keys),
  };
}

function parse(argv: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    const options = { app: text, port: text, keys: text, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    throw new HostStartError([error instanceof Error ? error.message : String(error), usage]);
  }
}

function keysInState(env: NodeJS.ProcessEnv): string | undefined {
  const path = resolve(join(env.LOCAL_STATE_DIR || '.local', 'function_keys.json'));
  return existsSync(path) ? path : undefined;
}
