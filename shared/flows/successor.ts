import { type Connection, type KeptToken, type Target, unclaimed } from '../domain/connection.js';
import { accessTokenSeal, refreshTokenSeal } from '../domain/seal_context.js';
import type { ProviderTokens, Tokens, Vault } from '../ports.js';
import { provenMembership } from './proven_membership.js';
import { type Rescue, type RescueDeps, rescueOf } from './rescue.js';

export interface SuccessorDeps extends RescueDeps {
  readonly vault: Vault;
  readonly tokens: Tokens;
}

/** The connection one generation on, with what came of the refresh. */
export interface Successor {
  readonly connection: Connection;
  readonly kept: KeptToken;
  /** Present where the provider gave a refresh token that is nowhere else. */
  readonly rescue?: Rescue;
}

interface Got {
  readonly tokens: ProviderTokens;
  /** What was redeemed: kept when the provider returned no successor. */
  readonly refreshToken: string;
  readonly isPredecessor: boolean;
}

/** A predecessor is kept this long at providers that go on honouring it, ms. */
const PREVIOUS_KEPT_MS = 24 * 3_600_000;

/**
 * Does ahead of the provider call what could fail after it. What is returned needs neither vault nor storage.
 * @throws the vault's error: nothing has been redeemed then
 */
export async function prepareSuccessor(
  deps: SuccessorDeps,
  connection: Connection,
  target: Target,
): Promise<(got: Got) => Successor> {
  const owner = { ...connection, generation: connection.generation + 1 };
  const [sealRefreshToken, sealAccessToken] = await Promise.all([
    deps.vault.prepare(refreshTokenSeal(owner)),
    target.resource === undefined ? undefined : deps.vault.prepare(accessTokenSeal(owner, target)),
  ]);
  return ({ tokens, refreshToken, isPredecessor }) => {
    const next = {
      ...advance(deps, connection, { isNew: tokens.refreshToken !== undefined, isPredecessor }),
      refreshToken: sealRefreshToken(tokens.refreshToken ?? refreshToken),
      ...provenMembership(deps.tokens, connection.subject, { ...tokens, now: deps.clock() }),
      ...(tokens.credentialEndsAt === undefined ? {} : { credentialEndsAt: tokens.credentialEndsAt }),
    };
    const sealed = sealAccessToken?.(tokens.accessToken);
    const kept = keptOf(next, target, { tokens, sealed, now: deps.clock() });
    const isRotated = tokens.refreshToken !== undefined && tokens.refreshToken !== refreshToken;
    return { connection: next, kept, ...(isRotated ? { rescue: rescueOf(deps, next) } : {}) };
  };
}

/** The old token is kept aside where the provider goes on honouring it. */
function advance(
  deps: SuccessorDeps,
  connection: Connection,
  got: { isNew: boolean; isPredecessor: boolean },
): Connection {
  const { previous: _, ...rest } = unclaimed(connection);
  const now = deps.clock();
  const old = connection.refreshToken;
  const { rotation } = deps.rulesOf(connection.subject.provider);
  const keepsOld = rotation === 'replace-keep-old' && got.isNew && !got.isPredecessor && old !== undefined;
  return {
    ...rest,
    generation: connection.generation + 1,
    refreshedAt: now,
    ...(keepsOld ? { previous: { refreshToken: old, until: now + PREVIOUS_KEPT_MS } } : {}),
  };
}

function keptOf(
  { subject, enrolment, generation }: Connection,
  target: Target,
  { tokens, sealed, now }: { tokens: ProviderTokens; sealed: string | undefined; now: number },
): KeptToken {
  return {
    subject,
    target,
    enrolment,
    generation,
    token: {
      ...(sealed === undefined ? {} : { sealed }),
      scope: tokens.scope,
      obtainedAt: now,
      expiresAt: now + tokens.expiresIn * 1000,
    },
  };
}
