import { LRUCache } from 'lru-cache';
import type { Clock } from '../ports.js';

/** Values read a moment ago, bounded in number and in age. */
export interface Recent<V extends object> {
  get(key: string): V | undefined;
  /** @param readAt when reading it began; now unless given */
  set(key: string, value: V, readAt?: number): void;
  delete(key: string): void;
}

export interface RecentOptions<V extends object> {
  /** After this a value is as good as absent, whatever the number of keys, ms. */
  readonly maxAgeMs: number;
  readonly max: number;
  /** How many bytes all values may have together, and how many one has, roughly. */
  readonly size?: { readonly most: number; readonly of: (value: V) => number };
  /** Whether something read then may be served now; always unless given. */
  readonly isUsable?: (key: string, readAt: number) => boolean;
}

export function createRecent<V extends object>(clock: Clock, options: RecentOptions<V>): Recent<V> {
  const { maxAgeMs, max, size, isUsable = () => true } = options;
  const entries = new LRUCache<string, { value: V; at: number }>({
    max,
    ...(size ? { maxSize: size.most, sizeCalculation: ({ value }) => Math.max(1, size.of(value)) } : {}),
  });
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // A clock set back must not make an entry young again for ever.
      const age = clock() - entry.at;
      if (age >= 0 && age < maxAgeMs) return isUsable(key, entry.at) ? entry.value : undefined;
      entries.delete(key);
      return undefined;
    },
    set: (key, value, readAt = clock()) => void entries.set(key, { value, at: readAt }),
    delete: (key) => void entries.delete(key),
  };
}
