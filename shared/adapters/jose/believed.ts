import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../ports.js';

const MOST = 10_000;
/** A key may be withdrawn: no signature is believed longer than this without looking again, ms. */
const BELIEVED_MS = 5 * 60_000;

/** What was once proven of signed texts, by their hash, within their own life and five minutes. Refusals are not remembered. */
export interface Believed<T> {
  get(text: string): T | undefined;
  set(text: string, value: T, endsAt: number): void;
}

/** @returns an empty memory for up to 10,000 texts */
export function createBelieved<T extends object>(clock: Clock): Believed<T> {
  const known = new LRUCache<string, { value: T; until: number }>({ max: MOST });
  const keyOf = (text: string) => hash('sha256', text, 'base64');
  return {
    get(text) {
      const entry = known.get(keyOf(text));
      return entry && entry.until > clock() ? entry.value : undefined;
    },
    set(text, value, endsAt) {
      known.set(keyOf(text), { value, until: Math.min(endsAt, clock() + BELIEVED_MS) });
    },
  };
}
