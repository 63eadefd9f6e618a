import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { ConfigRefused } from '../../config.js';
import { Unreadable } from '../../domain/errors.js';
import type { KeyWrapper } from './envelope.js';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A wrapping key in a file of mode 0600, for one machine. Made when absent; every process that starts at once ends with the
 * same key, because the file appears whole or not at all.
 * @throws ConfigRefused when the file cannot be made or read, is readable by others, or holds no key
 */
export function createKeyFile(path: string): KeyWrapper {
  const key = loadKey(path);
  const keyId = `file:${createHash('sha256').update(key).digest('base64url').slice(0, 16)}`;
  return {
    async wrap(dataKey) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      return {
        keyId,
        wrapped: Buffer.concat([iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]),
      };
    },
    async unwrap(id, wrapped) {
      if (id !== keyId)
        throw new Unreadable('a sealed value names a wrapping key this key file does not hold');
      return unwrap(key, wrapped);
    },
  };
}

function unwrap(key: Buffer, wrapped: Buffer): Buffer {
  try {
    const iv = wrapped.subarray(0, IV_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Unreadable('a wrapped data key does not open', cause);
  }
}

function loadKey(path: string): Buffer {
  const text = readOwn(path);
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) {
    throw new ConfigRefused(['BROKER_VAULT_KEY_FILE does not hold a 256-bit key in Base64']);
  }
  return key;
}

function readOwn(path: string): string {
  try {
    if (!existsSync(path)) makeIfAbsent(path);
    if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0)
      return readFileSync(path, 'utf8');
  } catch {
    throw new ConfigRefused(['BROKER_VAULT_KEY_FILE names a file that can be neither read nor made']);
  }
  throw new ConfigRefused(['BROKER_VAULT_KEY_FILE must not be readable by others (mode 0600)']);
}

function makeIfAbsent(path: string): void {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, randomBytes(KEY_BYTES).toString('base64'), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft);
  }
}
