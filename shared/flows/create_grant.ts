import { withAgedClaim } from '../domain/connection.js';
import { Refusal } from '../domain/errors.js';
import { type Grant, newGrantId } from '../domain/grant.js';
import { type Membership, subjectVerdict } from '../domain/membership.js';
import { formatScope, isSubset, type Scope } from '../domain/scope.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type { ClientPolicy, Policy } from '../policy.js';
import type { AuditLog, Clock, ConnectionStore, DueIndex, GrantStore, Random } from '../ports.js';
import { endGrant } from './end_grant.js';
import { type PlanUpkeep, withDueEntry } from './plan_upkeep.js';
import type { SessionCredentials } from './session_credentials.js';
import type { TakeOverConnection } from './take_over_connection.js';

/** With the credentials for the connection, where there is none yet. */
export interface GrantRequest extends SessionCredentials {
  readonly subject: Subject;
  readonly clientId: string;
  readonly resource: string;
  readonly scope: Scope;
  /** Undefined asks for as long as policy allows. */
  readonly expiresInSeconds: number | undefined;
  /** What the sign-in says of the user's groups and roles. */
  readonly membership?: Membership | undefined;
  readonly correlationId: string;
}

export type CreateGrant = (request: GrantRequest) => Promise<Grant>;

interface Deps {
  readonly policy: Policy;
  readonly grants: GrantStore;
  readonly connections: ConnectionStore;
  readonly due: DueIndex;
  readonly takeOver: TakeOverConnection;
  readonly planUpkeep: PlanUpkeep;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

const WRITE_TRIES = 5;

/**
 * Lets a client act for the subject. Policy is asked first, so that a refusal leaves nothing behind; then the connection is made
 * when there is none alive; then the grant is written.
 * @throws Refusal naming the member that is not allowed
 */
export function createCreateGrant(deps: Deps): CreateGrant {
  return async (request) => {
    const client = allowedClient(deps.policy, request);
    assertSameProvider(deps.policy, request);
    const seconds = lifetime(client, request.expiresInSeconds);
    assertAllowed(client, request.subject, request.membership);
    await connect(deps, client, request);
    const now = deps.clock();
    const grant: Grant = {
      grantId: newGrantId(request.subject, deps.random.bytes(16)),
      subject: request.subject,
      clientId: request.clientId,
      resource: request.resource,
      scope: request.scope,
      createdAt: now,
      expiresAt: now + seconds * 1000,
    };
    await write(deps, grant, request.correlationId);
    return grant;
  };
}

/**
 * Makes sure of a living connection that itself proves what policy asks of the user: every token will be held to that. One that does not
 * (yet) is renewed by the credential of this session.
 */
async function connect(deps: Deps, client: ClientPolicy, request: GrantRequest): Promise<void> {
  const found = (await deps.connections.find(request.subject))?.value;
  const isEnough =
    found?.state === 'active' && subjectVerdict(client.subjects, request.subject, found.membership).allowed;
  if (isEnough) return;
  const { connection } = await deps.takeOver(request);
  assertAllowed(client, request.subject, connection.membership);
}

function assertAllowed(client: ClientPolicy, subject: Subject, membership: Membership | undefined): void {
  const verdict = subjectVerdict(client.subjects, subject, membership);
  if (verdict.allowed) return;
  throw new Refusal('access_denied', {
    description: 'this client may not act for this user',
    reason: verdict.reason,
  });
}

/** The look at this connection that is put ahead makes sure that a crash in between leaves no grant that nobody keeps fresh, ms. */
const LOOK_AFTER_MS = 60_000;

async function write(deps: Deps, grant: Grant, correlationId: string): Promise<void> {
  const look = { subject: grant.subject, dueAt: grant.createdAt + LOOK_AFTER_MS };
  await deps.due.put(look);
  await deps.grants.create(grant);
  await record(deps, grant, correlationId);
  if ((await deps.connections.find(grant.subject))?.value.state === 'ended') {
    // Whoever ended the connection may have looked for grants before this one was there.
    await endGrant(deps, grant.grantId, { by: 'connection_ended', correlationId });
    throw new Refusal('conflict', { description: 'the connection was ended while the grant was made' });
  }
  const scheduled = await schedule(deps, grant.subject);
  if (scheduled !== undefined && scheduled !== look.dueAt) await deps.due.remove(look);
}

function allowedClient(policy: Policy, { clientId, resource, scope }: GrantRequest): ClientPolicy {
  const client = policy.clients.get(clientId);
  if (!client) throw new Refusal('invalid_parameter', { description: 'client_id is not a known client' });
  const allowed = client.resources.get(resource);
  if (!allowed) {
    throw new Refusal('invalid_parameter', { description: 'resource is not allowed for this client' });
  }
  if (!isSubset(scope, allowed)) {
    throw new Refusal('invalid_parameter', {
      description: 'scope exceeds what this client may have at this resource',
    });
  }
  return client;
}

/** A provider's tokens come of a connection to that provider: nobody else's could ever be served. */
function assertSameProvider(policy: Policy, { subject, resource }: GrantRequest): void {
  const target = policy.resources.get(resource);
  if (!target || target.narrowing === 'minted' || target.provider === subject.provider) return;
  throw new Refusal('invalid_parameter', {
    description: `resource belongs to another identity provider: sign in with ${target.provider}`,
  });
}

function lifetime(client: ClientPolicy, asked: number | undefined): number {
  if (asked !== undefined && asked > client.maxGrantSeconds) {
    throw new Refusal('invalid_parameter', {
      description: 'expires_in is longer than the policy allows for this client',
    });
  }
  return asked ?? client.maxGrantSeconds;
}

async function record(deps: Deps, grant: Grant, correlationId: string): Promise<void> {
  await deps.audit.append({
    id: deps.random.uuid(),
    at: grant.createdAt,
    type: 'grant.created',
    subject: subjectName(grant.subject),
    clientId: grant.clientId,
    resource: grant.resource,
    scope: formatScope(grant.scope),
    grantId: grant.grantId,
    expiresAt: grant.expiresAt,
    correlationId,
  });
}

/**
 * A new grant may want something kept fresh sooner than the connection knew.
 * @returns when the connection is due; undefined when that could not be settled
 */
async function schedule(deps: Deps, subject: Subject): Promise<number | undefined> {
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const found = await deps.connections.find(subject);
    if (found?.value.state !== 'active') return undefined;
    const [soonest] = await deps.planUpkeep(found.value);
    const known = found.value.dueAt ?? Number.POSITIVE_INFINITY;
    if (!soonest || soonest.dueAt >= known) return known;
    const after = { ...withAgedClaim(found), dueAt: soonest.dueAt };
    const write = () => deps.connections.replace(after, found.etag);
    if (await withDueEntry(deps.due, { before: found.value, after }, write)) return soonest.dueAt;
  }
  return undefined;
}
