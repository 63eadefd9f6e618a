import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Unreadable } from '../../domain/errors.js';
import type { Clock } from '../../ports.js';
import type { KeyWrapper } from './envelope.js';

/** A key of ours between the vault's key and the data keys, and the form in which only the vault opens it. */
interface WorkingKey {
  readonly keyId: string;
  readonly wrapped: Buffer;
  readonly key: Buffer;
}

/** A working key wraps for so long, and one that was opened is remembered for so long, ms: withdrawing the vault's key takes effect within it. */
export const WORKING_KEY_MS = 15 * 60_000;
const MOST_OPEN = 2000;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 2;

/**
 * Wraps data keys with a working key of this process, which the vault's key wraps in turn and which travels with every value. Key Vault
 * answers 400 RSA operations a second and is paid by the operation: asked for every value, it would end at some 130 refreshes a second.
 */
export function createWorkingKeys(vault: KeyWrapper, clock: Clock): KeyWrapper {
  const opened = new LRUCache<string, Promise<Buffer>>({
    max: MOST_OPEN,
    ttl: WORKING_KEY_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  let current: { readonly working: Promise<WorkingKey>; readonly until: number } | undefined;

  const make = async (): Promise<WorkingKey> => {
    const key = randomBytes(KEY_BYTES);
    return { key, ...(await vault.wrap(key)) };
  };
  const working = (): Promise<WorkingKey> => {
    if (current && current.until > clock()) return current.working;
    const made = make();
    current = { working: made, until: clock() + WORKING_KEY_MS };
    made.catch(() => {
      current = undefined;
    });
    return made;
  };
  const open = (keyId: string, wrapped: Buffer): Promise<Buffer> => {
    const name = hash('sha256', `${keyId} ${wrapped.toString('base64url')}`, 'base64url');
    const known = opened.get(name);
    if (known) return known;
    const opening = vault.unwrap(keyId, wrapped);
    opened.set(name, opening);
    opening.catch(() => opened.delete(name));
    return opening;
  };

  return {
    async wrap(dataKey) {
      const { keyId, wrapped, key } = await working();
      return { keyId, wrapped: Buffer.concat([lengthOf(wrapped), wrapped, encrypt(key, dataKey)]) };
    },
    async unwrap(keyId, bytes) {
      const { wrapped, sealed } = parse(bytes);
      return decrypt(await open(keyId, wrapped), sealed);
    },
    async reach() {
      const { keyId, wrapped } = await vault.wrap(randomBytes(KEY_BYTES));
      await vault.unwrap(keyId, wrapped);
    },
  };
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(bytes.length);
  return length;
}

function parse(bytes: Buffer): { wrapped: Buffer; sealed: Buffer } {
  const end = bytes.length < LENGTH_BYTES ? Number.NaN : LENGTH_BYTES + bytes.readUInt16BE();
  const sealed = bytes.subarray(end);
  if (!(end > LENGTH_BYTES) || sealed.length !== IV_BYTES + KEY_BYTES + TAG_BYTES) {
    throw new Unreadable('a wrapped data key has an unknown form');
  }
  return { wrapped: bytes.subarray(LENGTH_BYTES, end), sealed };
}

function encrypt(key: Buffer, dataKey: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  return Buffer.concat([iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer): Buffer {
  try {
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), options);
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Unreadable('a wrapped data key does not open', cause);
  }
}
