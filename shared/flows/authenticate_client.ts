import { Refusal } from '../domain/errors.js';
import type { ClientPolicy, Policy } from '../policy.js';
import type { ClientAssertions, ClientSecrets, ReplayStore, Tokens } from '../ports.js';

/** How a client presented itself; the parser has made sure that it is exactly one way. */
export type ClientCredential =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly secret: string;
    }
  | {
      /** `app_token` comes as bearer token; an assertion may be the client's own or its app token. */
      readonly method: 'app_token' | 'client_assertion';
      readonly clientId: string | undefined;
      readonly token: string;
    }
  | {
      readonly method: 'self_signed_tls_client_auth';
      readonly clientId: string;
      /** Of the certificate the client connected with. */
      readonly thumbprint: string;
    }
  | { readonly method: 'none' };

export type AuthenticateClient = (credential: ClientCredential) => Promise<ClientPolicy>;

interface Deps {
  readonly policy: Policy;
  readonly tokens: Tokens;
  readonly assertions: ClientAssertions;
  readonly replay: ReplayStore;
  readonly secrets: ClientSecrets;
}

/**
 * Who the client is, proven (RFC 6749 §2.3, RFC 7523 §2.2). Every refusal is the same `invalid_client`; which part was wrong stays
 * with the audit.
 */
export function createAuthenticateClient(deps: Deps): AuthenticateClient {
  const { policy, tokens } = deps;
  const byAppId = clientsByAppId(policy);
  return async (credential) => {
    switch (credential.method) {
      case 'none':
        throw invalidClient('client authentication is missing');
      case 'client_assertion': {
        const own = deps.assertions.clientOf(credential.token);
        if (own !== undefined) return byAssertion(deps, own, credential);
        return byToken(await verifyApp(tokens, credential.token), credential.clientId, byAppId);
      }
      case 'app_token':
        return byToken(await verifyApp(tokens, credential.token), credential.clientId, byAppId);
      case 'self_signed_tls_client_auth':
        return byCertificate(policy, credential);
      default:
        return bySecret(deps, credential);
    }
  };
}

/** RFC 8705 §2.2: the very certificate that policy names. Who signed it says nothing: whoever holds its key could have. */
function byCertificate(
  policy: Policy,
  { clientId, thumbprint }: { clientId: string; thumbprint: string },
): ClientPolicy {
  const client = policy.clients.get(clientId);
  if (!client) throw invalidClient('unknown client');
  if (!client.certificates.includes(thumbprint)) throw invalidClient('the certificate is not of this client');
  return client;
}

/** Which client an Entra app is, where policy knows it. */
export function clientsByAppId(policy: Policy): ReadonlyMap<string, ClientPolicy> {
  const known = [...policy.clients.values()].flatMap((client): [string, ClientPolicy][] =>
    client.entraAppId === undefined ? [] : [[client.entraAppId, client]],
  );
  return new Map(known);
}

async function verifyApp(tokens: Tokens, token: string): Promise<string> {
  try {
    return (await tokens.verifyAppToken(token)).appId.toLowerCase();
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unauthenticated') throw invalidClient(error.reason);
    throw error;
  }
}

/** Single use unless policy says otherwise: of the same assertion sent many times at once one passes, and none while that cannot be made sure (RFC 7523 §3). */
async function byAssertion(
  { policy, assertions, replay }: Deps,
  clientId: string,
  credential: { clientId: string | undefined; token: string },
): Promise<ClientPolicy> {
  const client = policy.clients.get(clientId);
  if (!client) throw invalidClient('unknown client');
  if (credential.clientId !== undefined && credential.clientId !== clientId) {
    throw invalidClient('client_id is not the issuer of the assertion');
  }
  const { id, expiresAt, reusable } = await assertions.verify(clientId, credential.token);
  if (!reusable && !(await replay.use(clientId, id, expiresAt))) {
    throw invalidClient('the assertion was used before');
  }
  return client;
}

function byToken(
  appId: string,
  named: string | undefined,
  byAppId: ReadonlyMap<string, ClientPolicy>,
): ClientPolicy {
  const client = byAppId.get(appId);
  if (!client) throw invalidClient('the app is not a known client');
  if (named !== undefined && named !== client.clientId) {
    throw invalidClient('client_id is not the client of the app token');
  }
  return client;
}

async function bySecret(
  { policy, secrets }: Deps,
  { clientId, secret }: { clientId: string; secret: string },
): Promise<ClientPolicy> {
  // First, so that the time taken does not tell which ids exist.
  const matches = await secrets.matches(clientId, secret);
  const client = policy.clients.get(clientId);
  if (!client) throw invalidClient('unknown client');
  if (client.secrets.length === 0) throw invalidClient('this client has no secret in policy');
  if (!matches) throw invalidClient('wrong secret');
  return client;
}

function invalidClient(reason: string): Refusal {
  return new Refusal('invalid_client', { description: 'client authentication failed', reason });
}
