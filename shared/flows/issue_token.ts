import { grantDead, Refusal, unavailable } from '../domain/errors.js';
import type { Authorization, Narrowing } from '../domain/narrowing.js';
import type { Failure } from '../domain/refresh_result.js';
import { beyond, type Scope } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';
import { targetOf } from '../domain/upkeep.js';
import type { Policy, ProviderResource } from '../policy.js';
import type { Binding, Clock, LiveToken, Tokens } from '../ports.js';
import { SCOPE_WIDER } from './doubt.js';
import type { RefreshConnection, RefreshOutcome } from './refresh_connection.js';

export interface IssuedToken {
  readonly accessToken: string;
  /** Seconds from now. */
  readonly expiresIn: number;
  readonly scope: Scope;
  readonly narrowing: Narrowing;
  /** What the token holds beyond what was asked; empty unless `narrowing` is `none`. */
  readonly wider: Scope;
  readonly tokenId?: string;
  /** `DPoP` when the token is of use only with its key (RFC 9449 §5). */
  readonly tokenType: 'Bearer' | 'DPoP';
}

export interface IssueRequest {
  readonly authorization: Authorization;
  /** What the token is to be bound to; proven by the client. */
  readonly binding: Binding | undefined;
  /** Undefined when the client did not say. */
  readonly minTtlSeconds: number | undefined;
}

export type IssueToken = (request: IssueRequest) => Promise<IssuedToken>;

interface Deps {
  readonly policy: Policy;
  /** Whether users of this subject's tenant are let in; an operator may have taken the tenant off since. */
  readonly isAdmitted: (subject: Subject) => boolean;
  /** As of a moment ago. */
  readonly isActive: (subject: Subject) => Promise<boolean>;
  readonly refresh: RefreshConnection;
  readonly tokens: Tokens;
  readonly clock: Clock;
}

/** A token with less than this left is not worth handing out, seconds. */
const LEAST_TTL_SECONDS = 10;
/** How long a token request waits for somebody else's refresh, ms. */
const PATIENCE_MS = 15_000;

/** Makes the token of an authorization: minted here, or the provider's own, and says truly which. */
export function createIssueToken(deps: Deps): IssueToken {
  return async (request) => {
    const resource = deps.policy.resources.get(request.authorization.resource);
    if (!resource) throw new Refusal('invalid_target', { description: 'resource is not known' });
    if (!deps.isAdmitted(request.authorization.subject)) throw grantDead('the tenant is not let in any more');
    return resource.narrowing === 'minted'
      ? mint(deps, request, resource.maxTokenSeconds)
      : vend(deps, request, resource);
  };
}

/** Minted only while the user's credential lives: a session revoked at the provider ends these tokens too. */
async function mint(deps: Deps, request: IssueRequest, maxTokenSeconds: number): Promise<IssuedToken> {
  const { subject, clientId, resource, scope, expiresAt, act } = request.authorization;
  if (!(await deps.isActive(subject))) throw grantDead();
  const left = Math.floor((expiresAt - deps.clock()) / 1000);
  const lifetimeSeconds = Math.min(maxTokenSeconds, left);
  assertLongEnough(lifetimeSeconds, request.minTtlSeconds);
  const minted = await deps.tokens.mint({
    subject,
    clientId,
    resource,
    scope,
    lifetimeSeconds,
    act,
    ...(request.binding ? { binding: request.binding } : {}),
  });
  return {
    accessToken: minted.token,
    expiresIn: minted.expiresIn,
    scope,
    narrowing: 'minted',
    wider: [],
    tokenId: minted.id,
    tokenType: request.binding?.jkt === undefined ? 'Bearer' : 'DPoP',
  };
}

async function vend(
  deps: Deps,
  { authorization, binding, minTtlSeconds }: IssueRequest,
  policy: ProviderResource,
): Promise<IssuedToken> {
  const { subject, resource, scope, clientId, act } = authorization;
  if (act.sub !== clientId || act.act !== undefined) {
    throw new Refusal('invalid_target', {
      description: 'tokens of this resource belong to the provider and cannot name an actor',
    });
  }
  // A binding that the resource would never check would be a false promise.
  if (binding !== undefined) {
    throw new Refusal('invalid_target', {
      description: 'tokens of this resource belong to the provider and cannot be bound to a key',
    });
  }
  if (subject.provider !== policy.provider) {
    throw new Refusal('invalid_target', { description: 'resource belongs to another identity provider' });
  }
  const outcome = await deps.refresh({
    subject,
    target: targetOf(resource, scope, policy),
    minTtlSeconds: minTtlSeconds ?? LEAST_TTL_SECONDS,
    acceptShorter: minTtlSeconds === undefined,
    cause: 'token',
    patienceMs: PATIENCE_MS,
  });
  const token = tokenOf(deps, outcome);
  const expiresIn = Math.floor((token.expiresAt - deps.clock()) / 1000);
  assertLongEnough(expiresIn, minTtlSeconds);
  return {
    accessToken: token.accessToken,
    expiresIn,
    tokenType: 'Bearer',
    ...narrowingOf(token.scope, scope, policy),
  };
}

function tokenOf(deps: Deps, outcome: RefreshOutcome): LiveToken {
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

function assertLongEnough(expiresIn: number, minTtlSeconds: number | undefined): void {
  if (expiresIn < 1) {
    throw new Refusal('invalid_grant', {
      description: 'the grant is at its end',
      reason: 'grant expires within a second',
    });
  }
  if (expiresIn < (minTtlSeconds ?? 1)) {
    throw new Refusal('invalid_request', { description: 'min_ttl is longer than any token can live here' });
  }
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
  policy: { allowWider: boolean },
): Pick<IssuedToken, 'scope' | 'narrowing' | 'wider'> {
  if (beyond(asked, granted).length > 0) {
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
