import type { Config } from '../config.js';
import { Refusal } from '../domain/errors.js';
import { createAudited } from '../flows/audited.js';
import { clientsByAppId } from '../flows/authenticate_client.js';
import { createAuditEventsHandler, createRefreshFailuresHandler } from '../http/audit.js';
import { createAuthorizeHandler } from '../http/authorize.js';
import { createIdentify } from '../http/caller.js';
import { createReadCertificate } from '../http/client_certificate.js';
import {
  createConnectHandler,
  createEndConnectionHandler,
  createListConnectionsHandler,
} from '../http/connections.js';
import type { HttpHandler } from '../http/endpoint.js';
import { createEndGrantHandler, createGrantHandler, createListGrantsHandler } from '../http/grants.js';
import { createReadyHandler } from '../http/health.js';
import { createJwksHandler, createMetadataHandler } from '../http/metadata.js';
import {
  createResourceMetadataHandler,
  type ProtectedResource,
  resourceMetadataUrl,
} from '../http/resource_metadata.js';
import { createTokenHandler } from '../http/token.js';
import { createIntrospectHandler, createRevokeHandler } from '../http/token_status.js';
import type { Adapters, Settings } from './adapters.js';
import type { Flows } from './flows.js';
import type { System } from './system.js';

export type HttpRoute =
  | 'connect'
  | 'listConnections'
  | 'endConnection'
  | 'createGrant'
  | 'listGrants'
  | 'endGrant'
  | 'authorize'
  | 'token'
  | 'revoke'
  | 'introspect'
  | 'metadata'
  | 'jwks'
  | 'resourceMetadata'
  | 'auditEvents'
  | 'refreshFailures'
  | 'ready';

interface Parts extends System, Settings {
  readonly adapters: Adapters;
  readonly flows: Flows;
}

/** Every route, as the entry points register it. */
export function createHandlers(parts: Parts): Readonly<Record<HttpRoute, HttpHandler>> {
  const { config, policy, adapters, flows, ...system } = parts;
  const gate = () => assertEasyAuthOn(config);
  const readCertificate = createReadCertificate({ trusted: config.clientCertificates, clock: system.clock });
  const resourceMetadata = resourceMetadataUrl(config.issuer);
  const endpoint = { gate, log: system.log, readCertificate, resourceMetadata };
  const user = {
    audited: createAudited({ ...system, audit: adapters.audit }),
    identify: createIdentify({
      tokens: adapters.tokens,
      sessionMaxSeconds: config.sessionMaxSeconds,
      onHeaders: adapters.onHeaders,
    }),
    publicOrigin: new URL(config.issuer).origin,
    endpoint,
  };
  const connections = {
    ...user,
    connections: adapters.connections,
    takeOver: flows.takeOver,
    end: flows.endConnection,
  };
  const grants = {
    ...user,
    grants: adapters.grants,
    createGrant: flows.createGrant,
    endGrant: flows.endGrant,
    clientsByAppId: clientsByAppId(policy),
    clock: system.clock,
  };
  const audit = { ...user, ...system, audit: adapters.audit, failures: adapters.failures };
  return {
    connect: createConnectHandler(connections),
    listConnections: createListConnectionsHandler(connections),
    endConnection: createEndConnectionHandler(connections),
    createGrant: createGrantHandler(grants),
    listGrants: createListGrantsHandler(grants),
    endGrant: createEndGrantHandler(grants),
    authorize: createAuthorizeHandler({
      ...user,
      policy,
      issuer: config.issuer,
      authorize: flows.authorize,
      tickets: adapters.tickets,
      clock: system.clock,
      signInProvider: config.aad.name,
    }),
    token: beside(
      createTokenHandler({ flow: flows.tokenEndpoint, proofs: adapters.proofs }, endpoint),
      flows.watchTimer.glance,
    ),
    revoke: createRevokeHandler(flows.revokeToken, endpoint),
    introspect: createIntrospectHandler(flows.introspectToken, config.issuer, endpoint),
    metadata: createMetadataHandler(
      { issuer: config.issuer, policy, certificates: config.clientCertificates },
      endpoint,
    ),
    resourceMetadata: createResourceMetadataHandler(protectedResource(config), endpoint),
    jwks: createJwksHandler(adapters, endpoint),
    auditEvents: createAuditEventsHandler(audit),
    refreshFailures: createRefreshFailuresHandler(audit),
    ready: createReadyHandler(flows.checkHealth, system),
  };
}

/** A look that goes along with the request, so that nothing is left to do once it is answered. */
function beside(handler: HttpHandler, look: () => Promise<void>): HttpHandler {
  return async (request, context) => {
    const [answer] = await Promise.all([handler(request, context), look()]);
    return answer;
  };
}

/** Where several tenants are let in only the home tenant is named: which the others are is nobody's business. */
function protectedResource({ issuer, aad }: Config): ProtectedResource {
  const named = aad.tenants ? aad.tenants.filter(({ rolesCount }) => rolesCount) : [aad];
  return {
    address: issuer,
    authorizationServers: named.map((each) => each.issuer),
    audiences: aad.audiences,
  };
}

/** Trusting platform headers without the platform would let anybody be anybody: fail closed until Easy Auth is known to be on. */
function assertEasyAuthOn(config: Config): void {
  if (config.easyAuthOn) return;
  throw new Refusal('easy_auth_off', {
    description: 'App Service authentication is not on for this app (WEBSITE_AUTH_ENABLED)',
  });
}
