import { LRUCache } from 'lru-cache';
import type { Clock } from '../ports.js';

/** Values read a moment ago, bounded in number and in age. */
export interface Recent<V extends object> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}

/** @param maxAgeMs after this a value is as good as absent, whatever the number of keys */
export function createRecent<V extends object>(
  clock: Clock,
  { maxAgeMs, max }: { maxAgeMs: number; max: number },
): Recent<V> {
  const entries = new LRUCache<string, { value: V; at: number }>({ max });
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // A clock set back must not make an entry young again for ever.
      const age = clock() - entry.at;
      if (age >= 0 && age < maxAgeMs) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set: (key, value) => void entries.set(key, { value, at: clock() }),
    delete: (key) => void entries.delete(key),
  };
}
