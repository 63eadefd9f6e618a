import { grantDead, Refusal, unavailable } from '../domain/errors.js';
import type { Failure } from '../domain/refresh_result.js';
import { beyond, type Scope } from '../domain/scope.js';
import { targetOf } from '../domain/upkeep.js';
import type { ProviderResource } from '../policy.js';
import type { Clock, LiveToken } from '../ports.js';
import type { ProviderRules } from '../providers/rules.js';
import type { CountChallenge } from './challenge_budget.js';
import { SCOPE_WIDER } from './doubt.js';
import type { HandOver } from './hand_over.js';
import { assertLongEnough, assertOfProvider, type IssuedToken, type IssueRequest } from './issued_token.js';
import type { RefreshConnection, RefreshOutcome } from './refresh_connection.js';

export interface VendDeps {
  readonly refresh: RefreshConnection;
  readonly handOver: HandOver;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly clock: Clock;
  readonly countChallenge: CountChallenge;
}

/** A token with less than this left is not worth handing out, seconds. */
const LEAST_TTL_SECONDS = 10;
/** How long a token request waits for somebody else's refresh, ms. */
const PATIENCE_MS = 15_000;
/** Longer than any token lives: what answers a challenge is never one that was had before it, unless a moment ago. */
const ANEW = Number.MAX_SAFE_INTEGER;

/** The provider's own token, kept or had anew, and what became of the request in it. */
export async function vendToken(
  deps: VendDeps,
  { authorization, binding, minTtlSeconds, claims, mayDrop }: IssueRequest,
  policy: ProviderResource,
): Promise<IssuedToken> {
  const { subject, resource, scope } = authorization;
  assertOfProvider(authorization, policy);
  // A binding that the resource would never check would be a false promise.
  if (binding !== undefined) {
    throw new Refusal('invalid_target', {
      description: 'tokens of this resource belong to the provider and cannot be bound to a key',
    });
  }
  const challenged = claims !== undefined;
  if (challenged && deps.rulesOf(policy.provider).requestClaims === undefined) throw noChallenge();
  const plain = targetOf(resource, scope, policy);
  const target = challenged ? { ...plain, claims } : plain;
  const outcome = await deps.refresh({
    subject,
    target,
    minTtlSeconds: challenged ? ANEW : (minTtlSeconds ?? LEAST_TTL_SECONDS),
    acceptShorter: minTtlSeconds === undefined && !challenged,
    cause: 'token',
    clientId: authorization.clientId,
    patienceMs: PATIENCE_MS,
    ...(challenged ? { mayAsk: once(() => deps.countChallenge(authorization)) } : {}),
  });
  const token = tokenOf(deps, outcome);
  const expiresIn = Math.floor((token.expiresAt - deps.clock()) / 1000);
  assertLongEnough(expiresIn, minTtlSeconds);
  const narrowed = narrowingOf(token.scope, scope, { ...policy, mayDrop });
  const renewal = challenged ? undefined : await deps.handOver(subject, target, token);
  return {
    accessToken: token.accessToken,
    expiresIn,
    tokenType: 'Bearer',
    ...narrowed,
    ...(renewal === undefined ? {} : { renewal }),
  };
}

/** A refresh that lost its claim goes round again, and is one all the same. */
function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}

function tokenOf(deps: VendDeps, outcome: RefreshOutcome): LiveToken {
  switch (outcome.kind) {
    case 'fresh':
      return outcome.token;
    case 'failed':
      throw failureRefusal(outcome.failure, deps.clock());
    case 'circuit_open':
      throw unavailable('the identity provider cannot be used now', (outcome.until - deps.clock()) / 1000);
    case 'busy':
      throw unavailable('the token is being refreshed', 1);
    case 'dead':
    case 'absent':
    case 'alive':
      throw grantDead();
  }
}

function failureRefusal(failure: Failure, now: number): Refusal {
  if (failure.error === SCOPE_WIDER) return notNarrowed();
  const reason = `${failure.class}: ${failure.error} ${failure.codes.join(' ')}`.trim();
  if (failure.class === 'user_action_required') {
    return new Refusal('interaction_required', {
      description: 'the user has to sign in again at the identity provider',
      reason,
      ...(failure.claims === undefined ? {} : { members: { claims: failure.claims } }),
    });
  }
  const waitMs = (failure.nextAttemptAt ?? now) - now;
  return unavailable('the identity provider cannot be used now', waitMs / 1000, reason);
}

function notNarrowed(): Refusal {
  return new Refusal('invalid_scope', {
    description: 'the identity provider returned a wider token than asked, which the policy does not allow',
    reason: 'provider did not narrow',
  });
}

/** The provider's answer is the only truth about what its token holds: compare it with what was asked, every time. */
function narrowingOf(
  granted: Scope,
  asked: Scope,
  policy: { allowWider: boolean; mayDrop: boolean },
): Pick<IssuedToken, 'scope' | 'narrowing' | 'wider'> {
  const missing = beyond(asked, granted).length;
  if (missing === asked.length || (missing > 0 && !policy.mayDrop)) {
    throw new Refusal('invalid_scope', {
      description: 'the identity provider does not give all of this scope for this user',
      reason: 'provider granted less than asked',
    });
  }
  const wider = beyond(granted, asked);
  if (wider.length === 0) return { scope: granted, narrowing: 'provider', wider };
  if (!policy.allowWider) throw notNarrowed();
  return { scope: granted, narrowing: 'none', wider };
}

/** Nobody would check what is asked of a claim there. */
export function noChallenge(): Refusal {
  return new Refusal('invalid_request', {
    description: 'claims is for resources whose identity provider gives out claims challenges',
  });
}
