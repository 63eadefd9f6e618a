import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares two texts in a time that does not tell where they differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The words of a scope parameter, each once, in order; split at blanks, and at commas where the provider allows them. */
export function wordsOf(scope: string | undefined, separator: RegExp = / +/): readonly string[] {
  return [...new Set((scope ?? '').split(separator).filter((word) => word !== ''))];
}

/** A whole number of that many digits that always comes out the same for the same text, with a first digit that is not 0. */
export function digitsOf(text: string, length: number): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const digits = BigInt(`0x${hex}`)
    .toString()
    .padStart(length, '7')
    .slice(-(length - 1));
  return `1${digits}`;
}
