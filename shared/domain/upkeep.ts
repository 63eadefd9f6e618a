import { type FreshnessRules, type KeptToken, type Target, targetKey } from './connection.js';
import { type Grant, grantState } from './grant.js';
import { targetDueAt } from './schedule.js';
import { intersect, type Scope } from './scope.js';

/** The bare credential, kept proven alive for grants that need no provider token. */
export const CREDENTIAL: Target = { scope: [] };

/** What upkeep needs to know of a resource. */
export type UpkeepResources = ReadonlyMap<
  string,
  { readonly narrowing: string; readonly scope: Scope; readonly facade?: { readonly appId: string } }
>;

/** What is asked of the provider for a resource and scope: through its facade, where policy names one. */
export function targetOf(
  resource: string,
  scope: Scope,
  policy: { readonly facade?: { readonly appId: string } },
): Target {
  return policy.facade === undefined ? { resource, scope } : { resource, scope, facade: policy.facade.appId };
}

/**
 * What is to be kept fresh for a subject: a provider token for every live grant at a provider's resource, or the bare credential
 * where all live grants are served by minted tokens. Without a live grant nothing is: the credential is left to age.
 */
export function upkeepTargets(
  grants: readonly Grant[],
  resources: UpkeepResources,
  now: number,
): readonly Target[] {
  const live = grants.filter((grant) => grantState(grant, now) === 'live');
  const targets = new Map<string, Target>();
  for (const grant of live) {
    const resource = resources.get(grant.resource);
    if (!resource || resource.narrowing === 'minted') continue;
    const scope = intersect(grant.scope, resource.scope);
    if (scope.length === 0) continue;
    const target = targetOf(grant.resource, scope, resource);
    targets.set(targetKey(target), target);
  }
  if (targets.size > 0) return [...targets.values()];
  return live.length > 0 ? [CREDENTIAL] : [];
}

export interface DueTarget {
  readonly target: Target;
  /** ms */
  readonly dueAt: number;
}

/** When each target wants attention, soonest first; a target that will never be tried again is left out. */
export function dueTargets(
  targets: readonly Target[],
  kept: readonly KeptToken[],
  when: { rules: FreshnessRules; enrolment: string; now: number },
): readonly DueTarget[] {
  const current = kept.filter((token) => token.enrolment === when.enrolment);
  const byKey = new Map(current.map((token) => [targetKey(token.target), token]));
  return targets
    .flatMap((target): DueTarget[] => {
      const dueAt = targetDueAt(byKey.get(targetKey(target)), when.rules, when.now);
      return dueAt === undefined ? [] : [{ target, dueAt }];
    })
    .sort((a, b) => a.dueAt - b.dueAt);
}
