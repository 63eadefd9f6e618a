import { grantDead, Refusal } from '../domain/errors.js';
import type { Subject } from '../domain/subject.js';
import type { Policy } from '../policy.js';
import type { Tokens } from '../ports.js';
import { assertLongEnough, type IssuedToken, type IssueRequest, mintedSeconds } from './issued_token.js';
import { noChallenge, type VendDeps, vendToken } from './vend_token.js';

export type { IssuedToken, IssueRequest };

export type IssueToken = (request: IssueRequest) => Promise<IssuedToken>;

interface Deps extends VendDeps {
  readonly policy: Policy;
  /** Whether users of this subject's tenant are let in; an operator may have taken the tenant off since. */
  readonly isAdmitted: (subject: Subject) => boolean;
  /** As of a moment ago. */
  readonly isActive: (subject: Subject) => Promise<boolean>;
  readonly tokens: Tokens;
}

/** Makes the token of an authorization: minted here, or the provider's own, and says truly which. */
export function createIssueToken(deps: Deps): IssueToken {
  return async (request) => {
    const resource = deps.policy.resources.get(request.authorization.resource);
    if (!resource) throw new Refusal('invalid_target', { description: 'resource is not known' });
    if (!deps.isAdmitted(request.authorization.subject)) throw grantDead('the tenant is not let in any more');
    return resource.narrowing === 'minted'
      ? mint(deps, request, resource.maxTokenSeconds)
      : vendToken(deps, request, resource);
  };
}

/** Minted only while the user's credential lives: a session revoked at the provider ends these tokens too. */
async function mint(deps: Deps, request: IssueRequest, maxTokenSeconds: number): Promise<IssuedToken> {
  if (request.claims !== undefined) throw noChallenge();
  const { subject, clientId, resource, scope, act, mayAct } = request.authorization;
  if (!(await deps.isActive(subject))) throw grantDead();
  const lifetimeSeconds = mintedSeconds(deps.policy, request.authorization, {
    maxTokenSeconds,
    now: deps.clock(),
  });
  assertLongEnough(lifetimeSeconds, request.minTtlSeconds);
  const minted = await deps.tokens.mint({
    subject,
    clientId,
    resource,
    scope,
    lifetimeSeconds,
    act,
    ...(mayAct === undefined ? {} : { mayAct }),
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
