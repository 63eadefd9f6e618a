import { hash } from 'node:crypto';

/** Joins parts so that no two different lists give the same text (`["a-b","c"]` and `["a","b-c"]` must differ). */
export function lengthPrefixed(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${Buffer.byteLength(part, 'utf8')}:${part}`;
  return text;
}

/** base64url SHA-256 over the length-prefixed parts: 43 characters, all of them allowed in a table key. */
export function digest(...parts: readonly string[]): string {
  return hash('sha256', lengthPrefixed(parts), 'base64url');
}

/** A fraction in [0, 1) that is always the same for the same text: spreads work without a stored random number. */
export function fraction(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 8), 16) / 0x1_0000_0000;
}
