import { createHash, timingSafeEqual } from 'node:crypto';
import type { Core } from './core.js';
import { issueAppToken } from './entra/issue.js';
import { headerOf, type Incoming } from './http/incoming.js';
import { jsonReply, type Reply } from './http/reply.js';
import type { Route } from './http/router.js';

const API_VERSION = '2019-08-01';

function refuse(statusCode: number, message: string): Reply {
  return jsonReply(statusCode, {
    statusCode,
    message,
    correlationId: '00000000-0000-0000-0000-000000000000',
  });
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function identityToken(core: Core, incoming: Incoming): Promise<Reply> {
  const { query } = incoming;
  if (!sameText(headerOf(incoming, 'x-identity-header') ?? '', core.identityHeader)) {
    return refuse(401, 'The X-IDENTITY-HEADER is missing or wrong.');
  }
  if (query.get('api-version') !== API_VERSION) return refuse(400, `The api-version must be ${API_VERSION}.`);
  const name = query.get('resource');
  if (!name) return refuse(400, 'The resource parameter is missing.');
  const identity = core.directory.managedIdentity(query.get('client_id') ?? undefined);
  const client = identity && core.directory.app(identity.client_id);
  if (client === undefined) return refuse(400, 'No managed identity was found for the request.');
  const resource = core.directory.resource(name.replace(/\/\.default$/, ''), client.tid);
  if (resource === undefined) return refuse(400, 'The resource is not known in the tenant of the identity.');
  const token = await issueAppToken(core, { tid: client.tid, client, proof: '2', resource });
  const expires = Math.floor(core.now() / 1000) + core.store.read().settings.accessTokenSeconds;
  core.log('info', 'managed identity token', { client: client.app_id, resource: resource.app_id });
  return jsonReply(200, {
    access_token: token,
    expires_on: String(expires),
    resource: name,
    token_type: 'Bearer',
    client_id: client.app_id,
  });
}

/** The App Service managed-identity endpoint: `IDENTITY_ENDPOINT` is `{base}/msi/token`, `IDENTITY_HEADER` its secret. */
export function managedIdentityRoutes(core: Core): readonly Route[] {
  return [{ path: '/msi/token', methods: { GET: (incoming) => identityToken(core, incoming) } }];
}
