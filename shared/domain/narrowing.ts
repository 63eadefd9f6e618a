import { type Actor, actFor } from './actor.js';
import type { Binding } from './binding.js';
import { Refusal } from './errors.js';
import type { Membership } from './membership.js';
import { intersect, isSubset, type Scope } from './scope.js';
import type { Subject } from './subject.js';

/** How the issued token relates to what was asked (`narrowing` on the wire). */
export type Narrowing = 'minted' | 'provider' | 'none';

/** What a caller's credential holds before anything is taken away. */
export interface Held {
  readonly subject: Subject;
  readonly resource: string;
  readonly scope: Scope;
  /** ms since the epoch */
  readonly expiresAt: number;
  readonly grantId: string;
  /** The delegation so far, where the credential carries one. */
  readonly act?: Actor;
  /** What the credential itself says of its user's groups and roles, where it says so. */
  readonly membership?: Membership;
  /** Who acts now, where that is not the client itself. */
  readonly actor?: string;
  /** What the credential is bound to: what comes of it is bound to the same. */
  readonly binding?: Binding;
  /** Who alone may act by the credential (`may_act`, RFC 8693 §4.4), where it says so: by what comes of it nobody else may either. */
  readonly mayAct?: unknown;
}

/** The value that is narrowed and issued. */
export interface Authorization {
  readonly subject: Subject;
  readonly clientId: string;
  readonly resource: string;
  readonly scope: Scope;
  /** ms since the epoch; no token of this authorization may live longer. */
  readonly expiresAt: number;
  readonly grantId: string;
  /** The delegation as it is issued: who acts now, and on whose behalf in turn. */
  readonly act: Actor;
  /** Handed on as it was held. */
  readonly mayAct?: unknown;
}

export interface NarrowingRequest {
  readonly held: Held;
  readonly clientId: string;
  readonly resource: string;
  /** Undefined asks for all that is held. */
  readonly scope: Scope | undefined;
}

export interface NarrowingPolicy {
  /** What policy lets this client have at this resource; undefined where it names no such pair. */
  readonly clientScope: Scope | undefined;
  readonly resourceScope: Scope;
}

/**
 * The narrowing rule: what leaves is requested ∩ held ∩ client policy ∩ resource policy, at the one resource that is held.
 * Asking for more than that is refused rather than trimmed, so a caller never mistakes what it was given
 * (RFC 6749 §6, RFC 8693 §2.2.1, RFC 8707 §2.2).
 * @throws Refusal `invalid_target` or `invalid_scope`, and `invalid_request` where the delegation chain gets too long.
 */
export function narrow(request: NarrowingRequest, policy: NarrowingPolicy): Authorization {
  const { held, clientId, resource } = request;
  if (policy.clientScope === undefined) {
    throw new Refusal('invalid_target', {
      description: 'resource is not allowed for this client',
      rule: `policy/clients/${clientId}/resources`,
    });
  }
  if (held.resource !== resource) {
    throw new Refusal('invalid_target', {
      description: 'resource is not the one this grant is for',
      reason: 'resource differs from the grant',
      rule: GRANT,
    });
  }
  const most = intersect(intersect(held.scope, policy.clientScope), policy.resourceScope);
  const scope = request.scope ?? most;
  if (scope.length === 0 || !isSubset(scope, most)) {
    throw new Refusal('invalid_scope', {
      description: 'scope exceeds what the grant and the policy allow',
      reason:
        request.scope === undefined
          ? 'nothing is left of the grant under this policy'
          : 'scope wider than held',
      rule: boundOf(request, policy),
    });
  }
  const { subject, expiresAt, grantId, mayAct } = held;
  const act = actFor(held.actor ?? clientId, held.act);
  const kept = mayAct === undefined ? {} : { mayAct };
  return { subject, clientId, resource, scope, expiresAt, grantId, act, ...kept };
}

/** What decides where policy would allow more: what the user has agreed to. */
export const GRANT = 'the grant';

/** Which of the bounds the request runs against first, by its place in the policy document. */
function boundOf({ held, clientId, resource, scope }: NarrowingRequest, policy: NarrowingPolicy): string {
  const asked = scope ?? held.scope;
  const passes = (bound: Scope) =>
    scope === undefined ? intersect(asked, bound).length > 0 : isSubset(asked, bound);
  if (!passes(policy.clientScope ?? [])) return `policy/clients/${clientId}/resources/${resource}`;
  return passes(policy.resourceScope) ? GRANT : `policy/resources/${resource}/scopes`;
}
