import { LRUCache } from 'lru-cache';

/** Whether `key` is claimed for the first time; a claim holds until `until`, in milliseconds since 1970, 10,000 claims at most. */
export function createClaims(now: () => number): (key: string, until: number) => boolean {
  const claimed = new LRUCache<string, number>({ max: 10_000 });
  return (key, until) => {
    if ((claimed.get(key) ?? 0) > now()) return false;
    claimed.set(key, until);
    return true;
  };
}
