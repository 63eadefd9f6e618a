import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '../errors.js';
import { isRecord } from './reader.js';
import type { Environment } from './settings.js';

/** Where the document came from, for messages. */
export interface Document {
  readonly name: string;
  readonly isFile: boolean;
  readonly value: unknown;
}

/** Where JSON stops being JSON. The parser's own message quotes the text, which may hold a secret. */
function placeOf(error: unknown, json: string): string {
  const position = /position (\d+)/.exec(messageOf(error))?.[1];
  if (position === undefined) return 'it ends too early or holds a stray character';
  const before = json.slice(0, Number(position)).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function parse(name: string, text: string, isFile: boolean): Document {
  const json = text.replace(/^\uFEFF/, '');
  try {
    return { name, isFile, value: unwrap(JSON.parse(json)) };
  } catch (error) {
    throw new ConfigError([`${name}: is not valid JSON (${placeOf(error, json)})`]);
  }
}

function fromFile(path: string): Document {
  const full = resolve(path);
  try {
    return parse(full, readFileSync(full, 'utf8'), true);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`${full}: cannot be read`]);
  }
}

/** Takes the tree out of an ARM envelope (`{"id":…,"properties":{…}}`); a bare tree is returned as it is. */
export function unwrap(value: unknown): unknown {
  return isRecord(value) && isRecord(value.properties) ? value.properties : value;
}

function configFilePath(value: unknown): string | undefined {
  const platform = isRecord(value) ? value.platform : undefined;
  const path = isRecord(platform) ? platform.configFilePath : undefined;
  return typeof path === 'string' && path !== '' ? path : undefined;
}

/**
 * Finds the configuration: the given object or file, else `WEBSITE_AUTH_V2_CONFIG_JSON` (whose `platform.configFilePath` names
 * a file), else `WEBSITE_AUTH_FILE_PATH` when `WEBSITE_AUTH_FROM_FILE` is true.
 * @throws ConfigError when there is none, or it cannot be read as JSON
 */
export function loadDocument(config: unknown, env: Environment): Document {
  if (typeof config === 'string') return fromFile(config);
  if (config !== undefined) return { name: 'config', isFile: false, value: unwrap(config) };
  const json = env.WEBSITE_AUTH_V2_CONFIG_JSON;
  if (json !== undefined && json !== '') {
    const document = parse('WEBSITE_AUTH_V2_CONFIG_JSON', json, false);
    const file = configFilePath(document.value);
    return file === undefined ? document : fromFile(file);
  }
  if (env.WEBSITE_AUTH_FROM_FILE?.toLowerCase() === 'true')
    return fromFile(env.WEBSITE_AUTH_FILE_PATH ?? 'auth.json');
  throw new ConfigError([
    'no configuration: give --config FILE, or set WEBSITE_AUTH_V2_CONFIG_JSON or WEBSITE_AUTH_FROM_FILE',
  ]);
}
