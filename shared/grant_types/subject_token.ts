import { mayAct } from '../domain/actor.js';
import { isProven } from '../domain/binding.js';
import { Refusal } from '../domain/errors.js';
import { type Grant, isStillGranted, liveGrantsTo } from '../domain/grant.js';
import type { Held } from '../domain/narrowing.js';
import { intersect, type Scope, scopeOf } from '../domain/scope.js';
import type { ClientPolicy } from '../policy.js';
import type {
  Binding,
  Clock,
  GrantStore,
  OwnTokenClaims,
  RevokedTokens,
  SubjectTokenClaims,
  Tokens,
} from '../ports.js';

export type SubjectTokenKind = 'access_token' | 'id_token' | 'jwt';

export interface SubjectTokenDeps {
  readonly tokens: Tokens;
  readonly grants: GrantStore;
  readonly revoked: RevokedTokens;
  readonly clock: Clock;
  readonly issuer: string;
  /** The broker's own audiences at the provider. */
  readonly audiences: readonly string[];
}

export interface SubjectTokenRequest {
  readonly token: string;
  readonly kind: SubjectTokenKind;
  readonly resource: string;
  /** What is asked for; undefined asks for all there is. */
  readonly scope: Scope | undefined;
  readonly client: ClientPolicy;
  /** Who is to act: the client, or the client of an actor token. */
  readonly actor: string;
  /** What the request proves to hold. */
  readonly binding: Binding | undefined;
}

/**
 * What a presented user token holds for this client at a resource: the subject's live grants for the two, and for one of the broker's own
 * tokens never more than that token. Everything follows from the token's claims, nothing from how the request is written.
 * @throws Refusal `invalid_request` for an unacceptable token (RFC 8693 §2.2.2), `interaction_required` where the user has not allowed it
 */
export async function heldBySubjectToken(
  deps: SubjectTokenDeps,
  request: SubjectTokenRequest,
): Promise<Held> {
  const claims = await verify(deps, request);
  if (!mayAct(claims.mayAct, request.actor, deps.issuer)) {
    throw unacceptable('may_act of the subject token names another actor');
  }
  if (claims.own) await assertExchangeable(deps, claims.own, request);
  const now = deps.clock();
  const grants = (await deps.grants.ofSubject(claims.subject)).map(({ value }) => value);
  // What the user has taken back from one client must not live on through another that holds its token.
  const own = { clientId: request.client.clientId, resource: request.resource };
  const granted = covering(liveGrantsTo(grants, own, now), request.scope);
  const scope = scopeOf(granted.flatMap((grant) => grant.scope));
  const [first] = granted;
  if (!first) {
    throw new Refusal('interaction_required', {
      description: 'the user has not allowed this client at this resource',
      reason: 'no live grant for subject, client and resource',
    });
  }
  if (claims.own && !isStillGranted(claims.own, grants, now)) {
    throw unacceptable('the grant that the subject token came of has ended');
  }
  return {
    subject: claims.subject,
    resource: request.resource,
    scope: claims.own ? intersect(scope, claims.own.scope) : scope,
    expiresAt: Math.min(claims.expiresAt, ...granted.map((grant) => grant.expiresAt)),
    grantId: first.grantId,
    actor: request.actor,
    ...(claims.membership === undefined ? {} : { membership: claims.membership }),
    ...(claims.act === undefined ? {} : { act: claims.act }),
    ...(claims.mayAct === undefined ? {} : { mayAct: claims.mayAct }),
    ...(claims.own?.binding ? { binding: claims.own.binding } : {}),
  };
}

async function verify(deps: SubjectTokenDeps, request: SubjectTokenRequest): Promise<SubjectTokenClaims> {
  const { token, kind, client } = request;
  const audiences = client.subjectAudiences ?? deps.audiences;
  try {
    return await deps.tokens.verifySubjectToken({ token, kind, audiences });
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unauthenticated') throw unacceptable(error.reason);
    throw error;
  }
}

/** One of our own tokens is exchanged by whom it was made for, or by the server it was made to call; for the same audience only. */
async function assertExchangeable(
  deps: SubjectTokenDeps,
  own: OwnTokenClaims,
  { client, resource, binding }: SubjectTokenRequest,
): Promise<void> {
  if (own.binding && !isProven(own.binding, binding)) {
    throw unacceptable('the subject token is bound to a key or certificate that is not proven');
  }
  const holds = own.clientId === client.clientId || client.serves.includes(own.resource);
  if (!holds) throw unacceptable('the subject token was made for another client');
  if (own.resource !== resource) {
    throw new Refusal('invalid_target', {
      description: 'resource is not the audience of the subject token',
      reason: 'an exchange cannot reach another audience',
    });
  }
  if (await deps.revoked.has(own.id, own.expiresAt)) throw unacceptable('the subject token is revoked');
}

/**
 * The grants that are needed, longest-lived first: one that adds nothing must neither shorten what the others give nor be named as its
 * authority. Where none holds any of what is wanted, one of them, for the refusal to say whose it is.
 */
function covering(grants: readonly Grant[], wanted: Scope | undefined): readonly Grant[] {
  const needed: Grant[] = [];
  const covered = new Set<string>();
  const longest = [...grants].sort((a, b) => b.expiresAt - a.expiresAt);
  for (const grant of longest) {
    const adds = wanted === undefined ? grant.scope : intersect(grant.scope, wanted);
    if (adds.every((token) => covered.has(token))) continue;
    needed.push(grant);
    for (const token of adds) covered.add(token);
  }
  return needed.length > 0 ? needed : longest.slice(0, 1);
}

/** For machines: which of the tokens, and never why. */
export const SUBJECT_UNACCEPTABLE = { error_details: { class: 'subject_token_unacceptable' } };

function unacceptable(reason: string): Refusal {
  return new Refusal('invalid_request', {
    description: 'subject_token is not acceptable',
    reason,
    members: SUBJECT_UNACCEPTABLE,
  });
}
