import { subjectVerdict } from '../domain/membership.js';
import type { Authorization } from '../domain/narrowing.js';
import { intersect, type Scope } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';
import type { Policy } from '../policy.js';

export interface AllowedDeps {
  readonly policy: Policy;
  /** Whether users of this subject's tenant are let in; an operator may have taken the tenant off since. */
  readonly isAdmitted: (subject: Subject) => boolean;
}

/**
 * What policy, as it is now, leaves of what was allowed under the one of then: nothing where it does not name the client, the resource or
 * the tenant any more. Groups and roles are not asked for again: they were proven when the token was issued, maybe by a token that is gone.
 */
export function allowedToday(
  { policy, isAdmitted }: AllowedDeps,
  { subject, clientId, resource, scope }: Pick<Authorization, 'subject' | 'clientId' | 'resource' | 'scope'>,
): Scope {
  const client = policy.clients.get(clientId);
  const ofClient = client?.resources.get(resource);
  const ofResource = policy.resources.get(resource)?.scope;
  if (!ofClient || !ofResource || !isAdmitted(subject)) return [];
  const verdict = subjectVerdict(client?.subjects, subject, undefined);
  if (!verdict.allowed && verdict.member === 'tenants') return [];
  return intersect(intersect(scope, ofClient), ofResource);
}
