import { Refusal } from './errors.js';

/** A set of scope tokens, sorted and without duplicates, so that equal sets are equal texts. */
export type Scope = readonly string[];

const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const MAX_TOKENS = 100;

export function scopeOf(tokens: Iterable<string>): Scope {
  return [...new Set(tokens)].sort();
}

/**
 * Reads a `scope` parameter (RFC 6749 §3.3): tokens separated by single spaces, order and repetition meaningless.
 * @throws Refusal `invalid_scope` when the text does not follow the grammar.
 */
export function parseScope(text: string): Scope {
  const tokens = text.split(' ');
  if (tokens.length > MAX_TOKENS || !tokens.every((token) => TOKEN.test(token))) {
    throw new Refusal('invalid_scope', {
      description: 'scope is not a space-separated list of scope tokens',
    });
  }
  return scopeOf(tokens);
}

export function formatScope(scope: Scope): string {
  return scope.join(' ');
}

export function intersect(a: Scope, b: Scope): Scope {
  const allowed = new Set(b);
  return a.filter((token) => allowed.has(token));
}

/** What `wide` holds and `narrow` does not. */
export function beyond(wide: Scope, narrow: Scope): Scope {
  const held = new Set(narrow);
  return wide.filter((token) => !held.has(token));
}

export function isSubset(inner: Scope, outer: Scope): boolean {
  return beyond(inner, outer).length === 0;
}
