import type { CircuitStore, Clock } from '../ports.js';
import { createRecent } from './recent.js';

/** An opening by another instance is noticed within this, ms; for so long a few more calls than needed may reach the provider. */
const CLOSED_FOR_MS = 1000;
const MOST = 1000;

/** Remembers for a moment that a circuit is closed, so that a batch of refreshes asks once; an open one is always asked. */
export function withRecentCircuits(store: CircuitStore, clock: Clock): CircuitStore {
  const closed = createRecent<object>(clock, { maxAgeMs: CLOSED_FOR_MS, max: MOST });
  return {
    ...store,
    async openUntil(registration) {
      if (closed.get(registration)) return undefined;
      const readAt = clock();
      const until = await store.openUntil(registration);
      if (until === undefined) closed.set(registration, {}, readAt);
      return until;
    },
    async open(registration, opening) {
      try {
        return await store.open(registration, opening);
      } finally {
        // After the write: what was read while it was under way is forgotten too.
        closed.delete(registration);
      }
    },
  };
}
