import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Key, KeyRing, Keys } from './keys.js';

const version = 1;
const ivLength = 12;
const tagLength = 16;
const macLength = 32;
const headLength = 1 + 4 + 4;

/** Encrypts and signs small texts for one purpose. */
export interface Sealer {
  /** Seals `text`, bound to `context`: it opens only under the same context. */
  seal(text: string, context?: string): Buffer;
  /** The text, or undefined when anything was altered, the key is unknown or the context is another. */
  open(sealed: Buffer, context?: string): string | undefined;
}

function find(ring: KeyRing, id: Buffer): Key | undefined {
  return ring.find((key) => key.id.equals(id));
}

function decrypt(key: Key, sealed: Buffer, context: string): string | undefined {
  const body = sealed.subarray(0, sealed.length - macLength);
  const iv = body.subarray(headLength, headLength + ivLength);
  const decipher = createDecipheriv('aes-256-gcm', key.secret, iv, { authTagLength: tagLength });
  decipher.setAAD(Buffer.concat([body.subarray(0, headLength), Buffer.from(context, 'utf8')]));
  decipher.setAuthTag(body.subarray(body.length - tagLength));
  try {
    const text = body.subarray(headLength + ivLength, body.length - tagLength);
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/**
 * The sealer of one purpose. Format, version 1: version byte, encryption key id (4), signing key id (4), IV (12), AES-256-GCM text,
 * tag (16), HMAC-SHA-256 over all before it (32). Version, key ids, purpose (by the derived keys) and context are authenticated.
 */
export function createSealer(keys: Keys, purpose: string): Sealer {
  const encryption = keys.encryption(purpose);
  const signing = keys.signing(purpose);
  const macOf = (key: Key, body: Buffer, context: string) =>
    createHmac('sha256', key.secret).update(body).update('\0').update(context).digest();
  return {
    seal: (text, context = '') => {
      const head = Buffer.concat([Buffer.of(version), encryption[0].id, signing[0].id]);
      const iv = randomBytes(ivLength);
      const cipher = createCipheriv('aes-256-gcm', encryption[0].secret, iv, { authTagLength: tagLength });
      cipher.setAAD(Buffer.concat([head, Buffer.from(context, 'utf8')]));
      const body = Buffer.concat([
        head,
        iv,
        cipher.update(text, 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return Buffer.concat([body, macOf(signing[0], body, context)]);
    },
    open: (sealed, context = '') => {
      if (sealed.length < headLength + ivLength + tagLength + macLength || sealed[0] !== version)
        return undefined;
      const key = find(encryption, sealed.subarray(1, 5));
      const signer = find(signing, sealed.subarray(5, 9));
      if (key === undefined || signer === undefined) return undefined;
      const body = sealed.subarray(0, sealed.length - macLength);
      const mac = sealed.subarray(sealed.length - macLength);
      if (!timingSafeEqual(mac, macOf(signer, body, context))) return undefined;
      return decrypt(key, sealed, context);
    },
  };
}
