import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { lengthPrefixed } from '../../domain/digest.js';
import { Unreadable } from '../../domain/errors.js';
import type { SealContext } from '../../domain/seal_context.js';
import type { Vault } from '../../ports.js';

/** Wraps data keys. `keyId` names the wrapping key in every sealed value, so that rotated keys stay readable. */
export interface KeyWrapper {
  wrap(dataKey: Buffer): Promise<{ keyId: string; wrapped: Buffer }>;
  /** @throws when the key is unknown or the wrapped key is not its own */
  unwrap(keyId: string, wrapped: Buffer): Promise<Buffer>;
  /** Asks the wrapping key itself, where wrapping and unwrapping may do without; rejects when it is out of reach. */
  reach?(): Promise<void>;
}

const VERSION = 's1';
const UNKNOWN: SealContext = { table: '', subject: '', provider: '', generation: 0, purpose: 'value' };
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Envelope encryption: a fresh AES-256-GCM data key a value, wrapped by the vault's key, with the whole context as associated
 * data. A value moved to another row, user, provider, generation or purpose does not open.
 */
export function createVault(keys: KeyWrapper): Vault {
  const prepare: Vault['prepare'] = async (context) => {
    const dataKey = randomBytes(32);
    const { keyId, wrapped } = await keys.wrap(dataKey);
    return (plaintext) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', dataKey, iv).setAAD(associatedData(keyId, context));
      const body = Buffer.concat([iv, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, encode(Buffer.from(keyId, 'utf8')), encode(wrapped), encode(body)].join('.');
    };
  };
  const seal: Vault['seal'] = async (plaintext, context) => (await prepare(context))(plaintext);
  const open: Vault['open'] = async (sealed, context) => {
    const { keyId, wrapped, body } = parse(sealed, context);
    const dataKey = await keys.unwrap(keyId, wrapped);
    return decrypt(dataKey, body, { keyId, context });
  };
  return {
    seal,
    prepare,
    open,
    keyOf: (sealed) => parse(sealed, UNKNOWN).keyId,
    async check() {
      await keys.reach?.();
      const context = { table: 'check', subject: '', provider: '', generation: 0, purpose: 'canary' };
      await open(await seal('canary', context), context);
    },
  };
}

function associatedData(keyId: string, context: SealContext): Buffer {
  const { table, subject, provider, generation, purpose } = context;
  const parts = [VERSION, keyId, table, subject, provider, String(generation), purpose];
  return Buffer.from(lengthPrefixed(parts), 'utf8');
}

function parse(sealed: string, context: SealContext): { keyId: string; wrapped: Buffer; body: Buffer } {
  const [version, ...parts] = sealed.split('.');
  const [keyId, wrapped, body, ...rest] = parts.map(decode);
  if (version !== VERSION || !keyId || !wrapped || !body || rest.length > 0) {
    throw new Unreadable(`a sealed ${kindOf(context)} has an unknown form`);
  }
  return { keyId: keyId.toString('utf8'), wrapped, body };
}

function decrypt(dataKey: Buffer, body: Buffer, bound: { keyId: string; context: SealContext }): string {
  try {
    const decipher = createDecipheriv('aes-256-gcm', dataKey, body.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(associatedData(bound.keyId, bound.context))
      .setAuthTag(body.subarray(-TAG_BYTES));
    const text = decipher.update(body.subarray(IV_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new Unreadable(`a sealed ${kindOf(bound.context)} does not open`, cause);
  }
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}

/** Undefined for anything but the one way these bytes are written: the decoder itself would skip what it does not know. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > 0 && encode(bytes) === text ? bytes : undefined;
}

/** What was sealed, in one word for an error: the rest of a purpose names enrolments and resources. */
function kindOf({ purpose }: SealContext): string {
  return purpose.split(' ')[0] ?? '';
}
