import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment, Settings } from '../config/settings.js';
import { ConfigError } from '../errors.js';
import type { Log } from '../log.js';

/** One key for one purpose, known by a short public id. */
export interface Key {
  readonly id: Buffer;
  readonly secret: Buffer;
}

/** Keys of one purpose, never empty. The first seals and signs; all open and verify, so a new key can be put in front. */
export type KeyRing = readonly [Key, ...Key[]];

export interface Keys {
  /** The ring for one purpose, derived so that no two purposes share key material. */
  encryption(purpose: string): KeyRing;
  signing(purpose: string): KeyRing;
  /** The signing keys as configured, not derived: the app checks session tokens with the same setting (reference §5.5). */
  readonly sessionTokens: KeyRing;
}

const hexKey = /^(?:[0-9a-f]{2}){16,64}$/i;
const base64Key = /^[A-Za-z0-9+/]{22,86}={0,2}$/;

/** A key in a setting: hexadecimal when it is all hexadecimal digits, else Base64; 16 to 64 bytes. */
function keyOf(item: string): Buffer | undefined {
  if (hexKey.test(item)) return Buffer.from(item, 'hex');
  if (/^[0-9a-f]+$/i.test(item) || !base64Key.test(item)) return undefined;
  const bytes = Buffer.from(item, 'base64');
  return bytes.length >= 16 && bytes.length <= 64 ? bytes : undefined;
}

function derive(master: Buffer, purpose: string): Key {
  const secret = Buffer.from(hkdfSync('sha256', master, 'easyauth', purpose, 32));
  return { id: createHash('sha256').update(secret).digest().subarray(0, 4), secret };
}

function ring(masters: readonly Buffer[], purpose: string): KeyRing {
  const [first, ...rest] = masters.map((master) => derive(master, purpose));
  if (first === undefined) throw new ConfigError(['a key ring is empty']);
  return [first, ...rest];
}

function parse(setting: string, value: string, problems: string[]): string[] {
  const items = value.split(',').map((item) => item.trim());
  const found = items.flatMap((item) => keyOf(item)?.toString('hex') ?? []);
  if (found.length < items.length)
    problems.push(
      `${setting}: must be hexadecimal or Base64 keys of 16 to 64 bytes, between commas, the current one first`,
    );
  return found;
}

interface KeyFile {
  encryption: string;
  signing: string;
}

function isKeyFile(value: unknown): value is KeyFile {
  if (typeof value !== 'object' || value === null) return false;
  return [Reflect.get(value, 'encryption'), Reflect.get(value, 'signing')].every(
    (key: unknown) => typeof key === 'string' && key.split(',').every((item) => hexKey.test(item)),
  );
}

function readKeyFile(path: string): KeyFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isKeyFile(value)) return value;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  }
  throw new ConfigError([`${path}: holds no usable keys; restore it, or remove it to sign everybody out`]);
}

/** The keys of this state directory, made once. Linking a finished file into place lets two gateways start at the same moment. */
function storedKeys(stateDir: string, log: Log): KeyFile {
  const path = join(stateDir, 'keys.json');
  const found = readKeyFile(path);
  if (found !== undefined) return found;
  const fresh = { encryption: randomBytes(32).toString('hex'), signing: randomBytes(32).toString('hex') };
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(temporary, path);
    log('info', 'keys made', { file: path });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    unlinkSync(temporary);
  }
  return readKeyFile(path) ?? fresh;
}

interface KeySource {
  readonly settings: Settings;
  readonly env: Environment;
  readonly stateDir: string;
  readonly log: Log;
}

/** The configured keys as hexadecimal texts, the current one first. Key material: never to be logged. */
export interface MasterKeys {
  readonly encryption: readonly string[];
  readonly signing: readonly string[];
}

/**
 * The keys for cookies and stored tokens: from `WEBSITE_AUTH_ENCRYPTION_KEY` and `WEBSITE_AUTH_SIGNING_KEY` (hexadecimal or
 * Base64; several between commas, the current one first), else made once and kept in the state directory, mode 0600.
 * @throws ConfigError when a setting is not a key, or only one of the two is set
 */
export function readMasterKeys({ settings, env, stateDir, log }: KeySource): MasterKeys {
  const names = [settings.encryptionKeySetting, settings.signingKeySetting] as const;
  const [encryption, signing] = names.map((name) => (env[name] === '' ? undefined : env[name]));
  if ((encryption === undefined) !== (signing === undefined))
    throw new ConfigError([`${names.join(' and ')}: set both or none`]);
  if (encryption === undefined || signing === undefined) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const file = storedKeys(stateDir, log);
    return { encryption: file.encryption.split(','), signing: file.signing.split(',') };
  }
  const problems: string[] = [];
  const keys = {
    encryption: parse(names[0], encryption, problems),
    signing: parse(names[1], signing, problems),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return keys;
}

/** The key rings of these keys. @throws ConfigError when one of the lists is empty */
export function keysOf(master: MasterKeys): Keys {
  const bytes = (keys: readonly string[]) => keys.map((key) => Buffer.from(key, 'hex'));
  const [current, ...older] = bytes(master.signing).map((secret) => ({ id: Buffer.alloc(0), secret }));
  if (current === undefined) throw new ConfigError(['the signing keys: there is none']);
  return {
    sessionTokens: [current, ...older],
    encryption: (purpose) => ring(bytes(master.encryption), `encryption ${purpose}`),
    signing: (purpose) => ring(bytes(master.signing), `signing ${purpose}`),
  };
}
