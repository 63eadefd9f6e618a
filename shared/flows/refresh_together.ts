import { targetKey } from '../domain/connection.js';
import { subjectKey } from '../domain/subject.js';
import type { Clock } from '../ports.js';
import type { RefreshConnection, RefreshOutcome, RefreshRequest } from './refresh_connection.js';

/**
 * Of many callers in one process who want the very same, one asks storage and waits, and the others wait for that one: a crowd that each
 * asked for itself would be what keeps storage from answering.
 */
export function refreshTogether(refresh: RefreshConnection, clock: Clock): RefreshConnection {
  const inFlight = new Map<string, Promise<RefreshOutcome>>();
  const lead = (name: string, request: RefreshRequest): Promise<RefreshOutcome> => {
    const started = refresh(request).finally(() => inFlight.delete(name));
    inFlight.set(name, started);
    return started;
  };
  return async (request) => {
    const deadline = clock() + request.patienceMs;
    const name = nameOf(request);
    for (;;) {
      const joined = inFlight.get(name);
      if (!joined) return lead(name, { ...request, patienceMs: Math.max(0, deadline - clock()) });
      const outcome = await joined;
      // Who joined somebody that has waited long enough, and has not itself, goes on.
      if (outcome.kind !== 'busy' || clock() >= deadline) return outcome;
    }
  };
}

function nameOf({ subject, target, minTtlSeconds, hadSince, acceptShorter, cause }: RefreshRequest): string {
  const wanted = [String(minTtlSeconds), hadSince ?? null, acceptShorter, cause];
  return JSON.stringify([subjectKey(subject), targetKey(target), ...wanted]);
}
