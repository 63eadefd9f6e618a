import { createLocalJWKSet, type JSONWebKeySet } from 'jose';

export type KeySet = ReturnType<typeof createLocalJWKSet>;

const opened = new WeakMap<JSONWebKeySet, KeySet>();

/** Finds the key of a token in a set. Keys are imported once as long as the set is the same object: importing costs more than a check. */
export function keySetOf(set: JSONWebKeySet): KeySet {
  const known = opened.get(set);
  if (known) return known;
  const keys = createLocalJWKSet(set);
  opened.set(set, keys);
  return keys;
}
