import type { HttpHandler, HttpResponseInit } from '@azure/functions';
import type { Connection } from '../domain/connection.js';
import { Refusal } from '../domain/errors.js';
import { type Subject, subjectName } from '../domain/subject.js';
import type { Audited } from '../flows/audited.js';
import type { EndConnection } from '../flows/end_connection.js';
import type { TakeOverConnection } from '../flows/take_over_connection.js';
import type { ConnectionStore } from '../ports.js';
import { isoTime, json } from './answers.js';
import { asUser, type Identify } from './caller.js';
import { type CommonOptions, createEndpoint } from './endpoint.js';
import { assertSameSite } from './same_site.js';
import { sessionCredentials } from './session_credentials.js';

export interface ConnectionsDeps {
  readonly identify: Identify;
  readonly connections: ConnectionStore;
  readonly takeOver: TakeOverConnection;
  readonly end: EndConnection;
  readonly audited: Audited;
  readonly publicOrigin: string;
  readonly endpoint: CommonOptions;
}

/** `POST /connections`: take over the credential of this session. */
export function createConnectHandler(deps: ConnectionsDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['POST'] };
  return createEndpoint(options, async ({ request, correlationId }) => {
    assertSameSite(request, deps.publicOrigin);
    const { subject } = asUser(await deps.identify(request));
    const credentials = sessionCredentials(request, subject);
    const { connection, created } = await deps.audited(
      { type: 'connection.refused', subject, correlationId },
      () => deps.takeOver({ ...credentials, subject, correlationId }),
    );
    return json(created ? 201 : 200, connectionBody(connection));
  });
}

/** `GET /connections`: the caller's own, never a token. */
export function createListConnectionsHandler(deps: ConnectionsDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['GET'] };
  return createEndpoint(options, async ({ request }) => {
    const { subject } = asUser(await deps.identify(request));
    const found = await deps.connections.find(subject);
    const shown = found && found.value.state !== 'ended' ? [connectionBody(found.value)] : [];
    return json(200, { connections: shown });
  });
}

/** `DELETE /connections/{provider}`: end it, and say what became of the grants and at the provider. */
export function createEndConnectionHandler(deps: ConnectionsDeps): HttpHandler {
  const options = { ...deps.endpoint, errors: 'problem' as const, methods: ['DELETE'] };
  return createEndpoint(options, async ({ request, correlationId }): Promise<HttpResponseInit> => {
    assertSameSite(request, deps.publicOrigin);
    const { subject } = asUser(await deps.identify(request));
    const ended =
      request.params.provider === subject.provider ? await deps.end(subject, correlationId) : undefined;
    if (!ended) throw noConnection(subject);
    return json(200, {
      provider: subject.provider,
      state: 'ended',
      grants_ended: ended.grantsEnded,
      provider_revocation: ended.revocation,
    });
  });
}

function noConnection({ provider }: Subject): Refusal {
  return new Refusal('not_found', { description: `there is no such connection; yours would be ${provider}` });
}

function connectionBody(connection: Connection): Record<string, unknown> {
  const { subject, state } = connection;
  return {
    provider: subject.provider,
    subject: subjectName(subject),
    state,
    credential: connection.credentialKind ?? 'refresh_token',
    created_at: isoTime(connection.createdAt),
    renewed_at: isoTime(connection.renewedAt),
    refreshed_at: isoTime(connection.refreshedAt),
    ...(connection.credentialEndsAt === undefined
      ? {}
      : { credential_ends_at: isoTime(connection.credentialEndsAt) }),
    ...(connection.dueAt === undefined ? {} : { next_refresh_at: isoTime(connection.dueAt) }),
  };
}
