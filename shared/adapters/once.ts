import type { Clock, Once, ReplayStore } from '../ports.js';
import { createRecent } from './recent.js';

const MOST = 20_000;
/** A key that was asked about is not looked up again for so long, ms. */
const KNOWN_MS = 10 * 60_000;

/** First among all instances by the replay store, and among one's own requests without asking it. */
export function createOnce({ replay, clock }: { replay: ReplayStore; clock: Clock }): Once {
  const known = createRecent<object>(clock, { maxAgeMs: KNOWN_MS, max: MOST });
  return {
    async first(key, until) {
      if (known.get(key)) return false;
      known.set(key, {});
      return replay.use('once', key, until);
    },
  };
}
