import type { Grant } from '../../domain/grant.js';
import type { Membership } from '../../domain/membership.js';
import { scopeOf } from '../../domain/scope.js';
import { readSubject } from '../../domain/subject.js';
import type { Policy } from '../../policy.js';
import { outcomeOf, outcomeText, type Question } from './outcome.js';
import type { Recorded, recordedRequests } from './recorded.js';
import type { OperatorStores } from './tools.js';

export interface Change {
  readonly client: string;
  readonly resource: string;
  readonly scope?: string;
  readonly grantType: string;
  readonly before: string;
  readonly after: string;
  readonly count: number;
}

export interface Replayed {
  readonly rows: number;
  readonly requests: number;
  /** There were more rows than were to be read. */
  readonly cut: boolean;
  /** Most frequent first. */
  readonly changes: readonly Change[];
}

/** Requests that are told apart are worked out once; beyond so many of them anew. */
const MOST_KNOWN = 50_000;
/** Time is not what is compared: every grant is taken to live long. */
const LONG_MS = 10 * 365 * 86_400_000;

/** Asks both policies what the recorded requests ask. What users are in is what storage knows now, not what it knew then. */
export async function replay(
  stores: OperatorStores,
  recorded: ReturnType<typeof recordedRequests>,
  policies: { old: Policy; candidate: Policy },
): Promise<Replayed> {
  const known = new Map<string, Change | undefined>();
  const changes = new Map<string, Change>();
  const counts = { rows: 0, requests: 0, cut: false };
  for await (const request of recorded) {
    if (request === 'cut') {
      counts.cut = true;
      continue;
    }
    counts.rows += 1;
    if (!request) continue;
    counts.requests += 1;
    const key = JSON.stringify(request);
    if (!known.has(key)) {
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(key, await changeOf(stores, request, policies));
    }
    const change = known.get(key);
    if (change) add(changes, change);
  }
  return { ...counts, changes: [...changes.values()].sort((a, b) => b.count - a.count) };
}

function add(changes: Map<string, Change>, change: Change): void {
  const key = JSON.stringify(change);
  const sofar = changes.get(key);
  changes.set(key, { ...change, count: (sofar?.count ?? 0) + 1 });
}

async function changeOf(
  stores: OperatorStores,
  request: Recorded,
  { old, candidate }: { old: Policy; candidate: Policy },
): Promise<Change | undefined> {
  const question = await questionOf(stores, request, [old, candidate]);
  if (!question) return undefined;
  const [before, after] = [
    outcomeText(await outcomeOf(old, question)),
    outcomeText(await outcomeOf(candidate, question)),
  ];
  if (before === after) return undefined;
  const { clientId: client, resource, scope, grantType } = request;
  return { client, resource, grantType, before, after, count: 0, ...(scope === undefined ? {} : { scope }) };
}

async function questionOf(
  stores: OperatorStores,
  request: Recorded,
  policies: readonly Policy[],
): Promise<Question | undefined> {
  const { clientId, grantType, resource, grantId, actor } = request;
  const grant = (await stores.grants.find(grantId))?.value;
  const subject = grant?.subject ?? readSubject(request.subject);
  if (!subject) return undefined;
  const scope = request.scope === undefined ? undefined : scopeOf(request.scope.split(' '));
  const asks = policies.some((policy) => asksForMembership(policy, clientId));
  const held = {
    subject,
    resource: grant?.resource ?? resource,
    scope: heldScope(grant, scope, { policies, clientId, resource }),
    expiresAt: LONG_MS,
    grantId,
    ...(actor === undefined ? {} : { actor }),
  };
  const membership: Membership | undefined = asks
    ? (await stores.connections.find(subject))?.value.membership
    : undefined;
  return { clientId, grantType, resource, scope, held, membership, at: 0 };
}

function asksForMembership(policy: Policy, clientId: string): boolean {
  const subjects = policy.clients.get(clientId)?.subjects;
  return subjects?.groups !== undefined || subjects?.roles !== undefined;
}

/** Of a grant that storage has forgotten: what was asked, or else all that either policy gives. */
function heldScope(
  grant: Grant | undefined,
  asked: readonly string[] | undefined,
  about: { policies: readonly Policy[]; clientId: string; resource: string },
): readonly string[] {
  if (grant) return grant.scope;
  const { policies, clientId, resource } = about;
  return (
    asked ??
    scopeOf(policies.flatMap((policy) => policy.clients.get(clientId)?.resources.get(resource) ?? []))
  );
}
