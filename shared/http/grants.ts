import type { HttpHandler, HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import { type Grant, grantState } from '../domain/grant.js';
import { isResourceUri } from '../domain/resource.js';
import { formatScope, parseScope, type Scope } from '../domain/scope.js';
import { sameSubject, subjectName } from '../domain/subject.js';
import type { Audited } from '../flows/audited.js';
import type { CreateGrant } from '../flows/create_grant.js';
import type { ClientPolicy } from '../policy.js';
import type { Clock, GrantStore, Page, PageRequest } from '../ports.js';
import { isoTime, json } from './answers.js';
import { readJson } from './body.js';
import { asUser, type Caller, type Identify } from './caller.js';
import { type CommonOptions, createEndpoint } from './endpoint.js';
import { readLimit, readQuery } from './query.js';
import { assertSameSite } from './same_site.js';
import { sessionCredentials } from './session_credentials.js';

export interface GrantsDeps {
  readonly identify: Identify;
  readonly grants: GrantStore;
  readonly createGrant: CreateGrant;
  readonly audited: Audited;
  readonly endGrant: (
    grantId: string,
    by: { by: 'subject' | 'client'; correlationId: string },
  ) => Promise<boolean>;
  readonly clientsByAppId: ReadonlyMap<string, ClientPolicy>;
  readonly publicOrigin: string;
  readonly clock: Clock;
  readonly endpoint: CommonOptions;
}

const MOST_SECONDS = 10 * 365 * 86_400;

/** `POST /grants`: the signed-in user allows a client. */
export function createGrantHandler(deps: GrantsDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['POST'] };
  return createEndpoint(options, async ({ request, correlationId }) => {
    assertSameSite(request, deps.publicOrigin);
    const { subject, membership } = asUser(await deps.identify(request));
    const grant = await deps.audited({ type: 'grant.refused', subject, correlationId }, async (note) => {
      const asked = readGrantRequest(await readJson(request));
      note(factsOf(asked));
      const credentials = sessionCredentials(request, subject);
      return deps.createGrant({ ...asked, ...credentials, subject, membership, correlationId });
    });
    return json(201, grantBody(grant, deps.clock()));
  });
}

/** `GET /grants`: a user's own, or those given to the calling client. Live ones, or with `state=all` the ended and expired too. */
export function createListGrantsHandler(deps: GrantsDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['GET'] };
  return createEndpoint(options, async ({ request }) => {
    const caller = await deps.identify(request);
    const query = readQuery(request, ['state', 'limit', 'cursor']);
    if (query.state !== undefined && query.state !== 'live' && query.state !== 'all') {
      throw new Refusal('invalid_parameter', { description: 'state must be live or all' });
    }
    const limit = readLimit(query.limit, { preset: 100, most: 1000 });
    const page = { limit, ...(query.cursor === undefined ? {} : { cursor: query.cursor }) };
    const { items, cursor } = await grantsOf(deps, caller, page);
    const now = deps.clock();
    const shown = items.filter((grant) => query.state === 'all' || grantState(grant, now) === 'live');
    return json(200, {
      grants: shown.map((grant) => grantBody(grant, now)),
      ...(cursor === undefined ? {} : { next_cursor: cursor }),
    });
  });
}

/** `DELETE /grants/{grant_id}`: by its user or its client. Ending it twice is no error. */
export function createEndGrantHandler(deps: GrantsDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['DELETE'] };
  return createEndpoint(options, async ({ request, correlationId }) => {
    assertSameSite(request, deps.publicOrigin);
    const caller = await deps.identify(request);
    const grant = await ownGrant(deps, caller, request);
    const by = caller.kind === 'user' ? 'subject' : 'client';
    await deps.endGrant(grant.grantId, { by, correlationId });
    return { status: 204 };
  });
}

function grantsOf(deps: GrantsDeps, caller: Caller, page: PageRequest): Promise<Page<Grant>> {
  return caller.kind === 'app'
    ? deps.grants.ofClient(clientOf(deps, caller).clientId, page)
    : deps.grants.pageOfSubject(caller.subject, page);
}

/** @throws Refusal `forbidden` for an app that is no client, before it can learn which grants there are */
function ownership(deps: GrantsDeps, caller: Caller): (grant: Grant) => boolean {
  if (caller.kind === 'user') return (grant) => sameSubject(grant.subject, caller.subject);
  const { clientId } = clientOf(deps, caller);
  return (grant) => grant.clientId === clientId;
}

/** A grant of somebody else's is not there. */
async function ownGrant(deps: GrantsDeps, caller: Caller, request: HttpRequest): Promise<Grant> {
  const owns = ownership(deps, caller);
  const found = await deps.grants.find(request.params.grant_id ?? '');
  if (!found || !owns(found.value)) throw new Refusal('not_found', { description: 'there is no such grant' });
  return found.value;
}

function clientOf(deps: GrantsDeps, caller: Caller & { kind: 'app' }): ClientPolicy {
  const client = deps.clientsByAppId.get(caller.appId);
  if (!client) throw new Refusal('forbidden', { description: 'the calling app is not a known client' });
  return client;
}

function readGrantRequest(body: Readonly<Record<string, unknown>>) {
  const known = new Set(['client_id', 'resource', 'scope', 'expires_in']);
  if (Object.keys(body).some((name) => !known.has(name))) {
    throw new Refusal('invalid_parameter', {
      description: `the body has an unknown member; known are ${[...known].join(', ')}`,
    });
  }
  const resource = text(body, 'resource');
  if (!isResourceUri(resource)) {
    throw new Refusal('invalid_parameter', {
      description: 'resource must be an absolute URI without a fragment',
    });
  }
  return {
    clientId: text(body, 'client_id'),
    resource,
    scope: scopeMember(text(body, 'scope')),
    expiresInSeconds: secondsMember(body.expires_in),
  };
}

const MOST_RECORDED = 1024;

/** What was asked, for the audit; cut, since the words are the caller's. */
function factsOf({ clientId, resource, scope }: { clientId: string; resource: string; scope: Scope }) {
  return {
    clientId: clientId.slice(0, MOST_RECORDED),
    resource,
    requestedScope: formatScope(scope).slice(0, MOST_RECORDED),
  };
}

function text(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '' || value.length > 4096) {
    throw new Refusal('invalid_parameter', { description: `${name} must be a text` });
  }
  return value;
}

function scopeMember(value: string): Scope {
  try {
    return parseScope(value);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('invalid_parameter', { description: error.description });
  }
}

function secondsMember(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > MOST_SECONDS) {
    throw new Refusal('invalid_parameter', {
      description: 'expires_in must be a positive number of seconds',
    });
  }
  return value;
}

function grantBody(grant: Grant, now: number): Record<string, unknown> {
  return {
    grant_id: grant.grantId,
    subject: subjectName(grant.subject),
    client_id: grant.clientId,
    resource: grant.resource,
    scope: formatScope(grant.scope),
    state: grantState(grant, now),
    created_at: isoTime(grant.createdAt),
    expires_at: isoTime(grant.expiresAt),
    ...(grant.ended ? { ended_at: isoTime(grant.ended.at), ended_by: grant.ended.by } : {}),
  };
}
