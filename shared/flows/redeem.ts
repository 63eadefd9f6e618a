import { type Connection, livePrevious } from '../domain/connection.js';
import type { Failure, ProviderFailure } from '../domain/refresh_result.js';
import { refreshTokenSeal } from '../domain/seal_context.js';
import type { Clock, Provider, ProviderAnswer, Vault } from '../ports.js';
import type { ProviderRules } from '../providers/rules.js';
import type { AttemptRequest } from './refresh_attempt.js';

interface Deps {
  readonly vault: Vault;
  readonly provider: Provider;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Redeemed {
  readonly answer: ProviderAnswer;
  /** The token this is the answer to. */
  readonly refreshToken: string;
  readonly isPredecessor: boolean;
}

/** What is begun this long after the claim can no longer end within it, ms. */
const LATEST_START_MS = 5000;
const LATEST_RETRY_MS = 22_000;
const RETRY_PAUSE_MS = 1000;

/**
 * Shows the provider the connection's refresh token, once; and a second time only where that is better than to stop:
 * - a single-use token whose answer was lost may be spent already. Providers that replay the answer do so for a short time, and where it
 *   was not spent nothing is lost by asking again.
 * - a successor that is dead while its predecessor is still honoured: the predecessor, before the user is told to come back.
 * @returns undefined, with nobody asked, when the claim is too old: another may hold one by now
 */
export async function redeem(
  deps: Deps,
  connection: Connection,
  { request, failure }: { request: AttemptRequest; failure: Failure | undefined },
): Promise<Redeemed | undefined> {
  if (connection.refreshToken === undefined) throw new Error('an active connection has no credential');
  const { subject } = connection;
  const refreshToken = await deps.vault.open(connection.refreshToken, refreshTokenSeal(connection));
  const ask = (token: string) => deps.provider.refresh(subject, token, request.target);
  if (!startsWithin(deps, request, LATEST_START_MS)) return undefined;
  let answer = await ask(refreshToken);
  const rules = deps.rulesOf(subject.provider);
  if (!answer.ok && rules.rotation === 'single-use' && isLost(answer.failure)) {
    await deps.sleep(RETRY_PAUSE_MS);
    if (startsWithin(deps, request, LATEST_RETRY_MS)) answer = await ask(refreshToken);
  }
  const current = { answer, refreshToken, isPredecessor: false };
  const isDead = (given: ProviderAnswer) =>
    !given.ok && rules.classify(given.failure, failure).class === 'grant_dead';
  if (rules.rotation !== 'replace-keep-old' || !isDead(answer)) return current;
  const predecessor = await openPrevious(deps, connection);
  if (predecessor === undefined) return current;
  const second = await ask(predecessor);
  return isDead(second) ? current : { answer: second, refreshToken: predecessor, isPredecessor: true };
}

/**
 * Whether enough of the claim is left. A process that stood still (suspended, starved) between claim and call would otherwise spend a
 * token that somebody else has spent since. A clock that was set back tells nothing, so that counts as too late.
 */
function startsWithin(deps: Deps, { claimedAt }: AttemptRequest, latestMs: number): boolean {
  const passed = deps.clock() - claimedAt;
  return passed >= 0 && passed <= latestMs;
}

/** Nobody knows whether the provider has redeemed the token. One that names a time to come back has not. */
function isLost({ status, retryAfterSeconds }: ProviderFailure): boolean {
  return status === 0 || (status >= 500 && retryAfterSeconds === undefined);
}

async function openPrevious(deps: Deps, connection: Connection): Promise<string | undefined> {
  const sealed = livePrevious(connection, deps.clock());
  if (sealed === undefined) return undefined;
  return deps.vault.open(sealed, refreshTokenSeal({ ...connection, generation: connection.generation - 1 }));
}
