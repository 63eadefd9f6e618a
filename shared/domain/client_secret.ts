import { createHash, scrypt, timingSafeEqual } from 'node:crypto';

/** What the broker keeps of a client's secret: never the secret. */
export type ClientSecret = SecretDigest | SecretHash;

/** Of a secret that stands in a setting: as good as the setting is. */
export interface SecretDigest {
  readonly kind: 'digest';
  readonly digest: Uint8Array;
}

/** Salted and slow (RFC 7914): whoever reads it has gained nothing yet. */
export interface SecretHash {
  readonly kind: 'scrypt';
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export interface ScryptCost {
  /** A power of two. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about a tenth of a second on one core. */
export const USUAL_COST: ScryptCost = { N: 32_768, r: 8, p: 1 };
export const LEAST_SECRET_CHARS = 16;
const PREFIX = 'scrypt$';
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const FORM = /^scrypt\$(\d{5,6})\$(\d{1,2})\$(\d)\$([A-Za-z0-9_-]{22,86})\$([A-Za-z0-9_-]{43,86})$/;

/** Weaker ones are not worth the name; costlier ones would let each wrong guess take the machine. */
function isBounded({ N, r, p }: ScryptCost): boolean {
  const powerOfTwo = Number.isInteger(Math.log2(N));
  return powerOfTwo && N >= 16_384 && r >= 8 && p >= 1 && p <= 4 && 128 * N * r <= 128 * 1024 * 1024;
}

/** Whether a text means to be a hash, well-formed or not. */
export function looksHashed(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Reads `scrypt$N$r$p$salt$hash` (salt and hash in base64url); undefined when it is malformed, too weak or too costly. */
export function parseSecretHash(text: string): SecretHash | undefined {
  const [, N, r, p, salt, hash] = FORM.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const bytes = { salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') };
  if (!isBounded(cost) || bytes.salt.length < SALT_BYTES || bytes.hash.length < HASH_BYTES) return undefined;
  return { kind: 'scrypt', cost, ...bytes };
}

export function formatSecretHash({ cost: { N, r, p }, salt, hash }: SecretHash): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  return `${PREFIX}${N}$${r}$${p}$${text(salt)}$${text(hash)}`;
}

/** @param salt 16 random bytes */
export async function hashSecret(secret: string, salt: Uint8Array): Promise<SecretHash> {
  return {
    kind: 'scrypt',
    cost: USUAL_COST,
    salt,
    hash: await derive(secret, { cost: USUAL_COST, salt, bytes: HASH_BYTES }),
  };
}

export async function matchesHash(secret: string, { cost, salt, hash }: SecretHash): Promise<boolean> {
  return timingSafeEqual(await derive(secret, { cost, salt, bytes: hash.length }), hash);
}

export function digestOf(secret: string): SecretDigest {
  return { kind: 'digest', digest: createHash('sha256').update(secret, 'utf8').digest() };
}

function derive(
  secret: string,
  { cost, salt, bytes }: { cost: ScryptCost; salt: Uint8Array; bytes: number },
): Promise<Buffer> {
  const options = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, bytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
