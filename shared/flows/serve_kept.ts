import { type Connection, type KeptToken, servable } from '../domain/connection.js';
import { accessTokenSeal } from '../domain/seal_context.js';
import type { Clock, Vault } from '../ports.js';
import type { RefreshOutcome, RefreshRequest } from './refresh_connection.js';

interface Deps {
  readonly vault: Vault;
  readonly clock: Clock;
}

/** A token this young is not replaced for want of life: its successor would not live longer, and callers could force refreshes, ms. */
const YOUNG_MS = 60_000;

/** What is kept, where that is enough: it lives long enough, or was had so lately that asking again would bring no more. */
export async function serveEnough(
  deps: Deps,
  what: { kept: KeptToken | undefined; connection: Connection; request: RefreshRequest },
): Promise<RefreshOutcome | undefined> {
  const { kept, connection, request } = what;
  const { minTtlSeconds, target } = request;
  const done = wasHadSince(kept, request.hadSince);
  if (done && target.resource === undefined && kept?.enrolment === connection.enrolment)
    return { kind: 'alive' };
  const young = minTtlSeconds !== Number.POSITIVE_INFINITY && isYoung(kept, deps.clock());
  const enough = done || young ? Math.min(1, minTtlSeconds) : minTtlSeconds;
  return serve(deps, { kept, connection, minTtlSeconds: enough });
}

function wasHadSince(kept: KeptToken | undefined, since: number | undefined): boolean {
  if (since === undefined || !kept?.token || kept.failure) return false;
  return kept.token.obtainedAt >= since;
}

/** Obtained within the last minute, and still in the first half of its life. */
function isYoung(kept: KeptToken | undefined, now: number): boolean {
  if (!kept?.token) return false;
  const { obtainedAt, expiresAt } = kept.token;
  return now - obtainedAt < Math.min(YOUNG_MS, (expiresAt - obtainedAt) / 2);
}

/** The kept token, opened, where it may be served and lives long enough. */
export async function serve(
  deps: Deps,
  what: { kept: KeptToken | undefined; connection: Connection; minTtlSeconds: number },
): Promise<RefreshOutcome | undefined> {
  const { kept, connection, minTtlSeconds } = what;
  const token = servable(kept, connection, { now: deps.clock(), minTtlSeconds });
  if (!kept || !token) return undefined;
  const accessToken = await deps.vault.open(token.sealed, accessTokenSeal(kept, kept.target));
  const { scope, obtainedAt, expiresAt } = token;
  return { kind: 'fresh', token: { accessToken, scope, obtainedAt, expiresAt } };
}
