import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readSettings } from '../config/read.js';
import { isRecord } from '../config/reader.js';
import type { Environment } from '../config/settings.js';
import { loadDocument, unwrap } from '../config/source.js';
import { ConfigError } from '../errors.js';
import { setMember } from './json_edit.js';

const member = ['login', 'tokenStore', 'tokenRefreshExtensionHours'];

/** Replaces a file as a whole or not at all, keeping its permissions. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = openSync(temporary, 'wx', statSync(path).mode & 0o777);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

interface Update {
  readonly config: string | undefined;
  readonly hours: number;
  readonly env: Environment;
}

export interface Updated {
  readonly path: string;
  /** What is worth telling: faults the document had before, and a setting that decides instead of the file. */
  readonly notes: readonly string[];
}

function edited(text: string, hours: number): string {
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const json = text.slice(mark.length);
  const whole: unknown = JSON.parse(json);
  const path = isRecord(whole) && isRecord(whole.properties) ? ['properties', ...member] : member;
  return mark + setMember(json, path, JSON.stringify(hours));
}

/**
 * Writes `login.tokenStore.tokenRefreshExtensionHours` into the configuration file, changing nothing else in it.
 * @throws ConfigError when there is no file to change, or the change would make the document wrong; the file is then as it was
 */
export function updateConfig({ config, hours, env }: Update): Updated {
  const document = loadDocument(config, env);
  if (!document.isFile)
    throw new ConfigError([`${document.name}: is no file; change the setting where it is made`]);
  if (!isRecord(document.value)) throw new ConfigError([`${document.name}: must be a JSON object`]);
  const before = new Set(readSettings(document.value, env).problems);
  const path = realpathSync(document.name);
  const text = edited(readFileSync(path, 'utf8'), hours);
  const after = readSettings(unwrap(JSON.parse(text.replace(/^\uFEFF/, ''))), env);
  const fresh = after.problems.filter((problem) => !before.has(problem));
  if (fresh.length > 0) throw new ConfigError(fresh);
  replaceFile(path, text);
  const notes = after.problems.map((problem) => `as before, ${problem}`);
  if ((env.WEBSITE_AUTH_TOKEN_REFRESH_HOURS ?? '') !== '')
    notes.push('WEBSITE_AUTH_TOKEN_REFRESH_HOURS is set and decides instead of the file');
  return { path, notes };
}
