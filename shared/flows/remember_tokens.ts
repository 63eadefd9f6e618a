import type { Clock, RecentTokens } from '../ports.js';
import type { RefreshConnection } from './refresh_connection.js';

/**
 * Serves a token that was handed out a moment ago again, opened and without a read: a service that asks in a loop costs nothing but its
 * audit row. Everything else goes to `refresh`.
 */
export function rememberTokens(
  refresh: RefreshConnection,
  { recent, clock }: { recent: RecentTokens; clock: Clock },
): RefreshConnection {
  return async (request) => {
    const { subject, target, minTtlSeconds } = request;
    const known = recent.get(subject, target);
    const left = known ? known.expiresAt - clock() : 0;
    if (known && left >= Math.max(1, minTtlSeconds) * 1000) return { kind: 'fresh', token: known };
    const outcome = await refresh(request);
    if (outcome.kind === 'fresh') recent.set(subject, target, outcome.token);
    return outcome;
  };
}
