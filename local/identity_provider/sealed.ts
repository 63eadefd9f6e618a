import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What is sealed is told apart by kind, so that a code never opens as a refresh token. */
export type SealedKind = 'code' | 'refresh' | 'session' | 'transaction' | 'authn' | `social:${string}`;

export type Sealer = Readonly<{
  /** Seals a JSON value into a base64url blob that only the same kind opens. */
  seal: (kind: SealedKind, value: object) => string;
  /** Opens a blob; undefined when it is malformed, altered, of another kind or of another key. */
  open: (kind: SealedKind, blob: string) => unknown;
}>;

function keyOf(master: Buffer, kind: SealedKind): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `idp:${kind}`, 32));
}

/**
 * Seals values with AES-256-GCM under one key per kind, derived from a 32-byte master key. Stateless, so blobs
 * outlive a restart as long as the master key does.
 * @throws TypeError when the master key is not 32 bytes
 */
export function createSealer(master: Buffer): Sealer {
  if (master.length !== 32) throw new TypeError('the sealing key must be 32 bytes');
  const keys = new Map<SealedKind, Buffer>();
  const key = (kind: SealedKind): Buffer => {
    const known = keys.get(kind) ?? keyOf(master, kind);
    keys.set(kind, known);
    return known;
  };
  return {
    seal: (kind, value) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key(kind), nonce);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
    },
    open: (kind, blob) => {
      if (!/^[A-Za-z0-9_-]{40,}$/.test(blob)) return undefined;
      const bytes = Buffer.from(blob, 'base64url');
      if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== blob) return undefined;
      return decrypt(key(kind), bytes);
    },
  };
}

function decrypt(key: Buffer, bytes: Buffer): unknown {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const body = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES);
    return JSON.parse(Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8'));
  } catch {
    return undefined;
  }
}
