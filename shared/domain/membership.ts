import type { Subject } from './subject.js';

/** What a provider has said of a user besides who they are. A member that is absent was not said. */
export interface Membership {
  /** Ids as the provider gives them; `too_many` when it said that there are more than it lists. */
  readonly groups?: readonly string[] | 'too_many';
  /** Roles at the broker's own app. */
  readonly roles?: readonly string[];
}

/** As it stands with a connection. */
export interface ProvenMembership extends Membership {
  /** ms */
  readonly provenAt: number;
}

/** Whom a client may act for. Each member that is given must be met, by any one of its values. */
export interface SubjectRule {
  readonly tenants?: readonly string[];
  readonly groups?: readonly string[];
  readonly roles?: readonly string[];
}

/**
 * Groups of verified claims. Entra leaves the list out when it is long (over 200 groups in a JWT) and points to it instead, with
 * `_claim_names` or `hasgroups`: then nothing is known of any group.
 */
export function groupsOf(claims: Readonly<Record<string, unknown>>): Membership['groups'] {
  const { groups, hasgroups, _claim_names: elsewhere } = claims;
  const isElsewhere = typeof elsewhere === 'object' && elsewhere !== null && 'groups' in elsewhere;
  if (isElsewhere || hasgroups === true || hasgroups === 'true') return 'too_many';
  return Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : undefined;
}

/** What is said now, and beside it what was said before of the rest. */
export function newest(now: Membership | undefined, before: Membership | undefined): Membership {
  return { ...before, ...now };
}

export type SubjectVerdict =
  | { readonly allowed: true }
  /** `member` of the rule is not met; the reason is for the audit and for whoever writes policy. */
  | { readonly allowed: false; readonly member: keyof SubjectRule; readonly reason: string };

/** Whether the client may act for this user. Without a rule it may for all; what is not proven is not met. */
export function subjectVerdict(
  rule: SubjectRule | undefined,
  subject: Subject,
  membership: Membership | undefined,
): SubjectVerdict {
  const refused = (member: keyof SubjectRule, reason: string): SubjectVerdict => ({
    allowed: false,
    member,
    reason,
  });
  if (rule?.tenants && !rule.tenants.includes(subject.tenant)) {
    return refused('tenants', 'the user is of a tenant that this client may not act for');
  }
  if (rule?.groups && !meets(rule.groups, listed(membership?.groups))) {
    return refused('groups', groupReason(membership?.groups));
  }
  if (rule?.roles && !meets(rule.roles, membership?.roles ?? [])) {
    return refused('roles', 'the user has none of the app roles that this client may act for');
  }
  return { allowed: true };
}

function meets(wanted: readonly string[], held: readonly string[]): boolean {
  const known = new Set(held);
  return wanted.some((value) => known.has(value));
}

function listed(groups: Membership['groups']): readonly string[] {
  return groups === undefined || groups === 'too_many' ? [] : groups;
}

function groupReason(groups: Membership['groups']): string {
  if (groups === 'too_many') {
    return 'the user is in more groups than the provider lists (groups overage): assign groups to the application, or use app roles';
  }
  if (groups === undefined)
    return 'the provider says nothing of groups: have it put the groups claim into ID tokens';
  return 'the user is in none of the groups that this client may act for';
}
