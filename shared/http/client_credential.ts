import type { HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import type { ClientCredential } from '../flows/authenticate_client.js';
import { bearerToken } from './caller.js';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * How the client authenticates: exactly one way per request (RFC 6749 §2.3).
 * @throws Refusal `invalid_request` for two ways at once or half of one, `invalid_client` for an unreadable header
 */
export function readClientCredential(
  request: HttpRequest,
  parameters: ReadonlyMap<string, string>,
  certificate: string | undefined,
): ClientCredential {
  const clientId = parameters.get('client_id');
  const ways = [
    fromHeader(request, clientId),
    fromSecret(parameters, clientId),
    fromAssertion(parameters, clientId),
  ].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new Refusal('invalid_request', { description: 'the client authenticates in more than one way' });
  }
  return ways[0] ?? fromCertificate(clientId, certificate);
}

/** A certificate beside another way does not authenticate: it is there for the token to be bound to (RFC 8705 §4). */
function fromCertificate(clientId: string | undefined, thumbprint: string | undefined): ClientCredential {
  if (clientId === undefined || thumbprint === undefined) return { method: 'none' };
  return { method: 'self_signed_tls_client_auth', clientId, thumbprint };
}

function fromHeader(request: HttpRequest, clientId: string | undefined): ClientCredential | undefined {
  const header = request.headers.get('authorization');
  if (header === null || header === '') return undefined;
  const bearer = bearerToken(request);
  if (bearer !== undefined) return { method: 'app_token', clientId, token: bearer };
  const basic = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  const pair = basic === undefined ? undefined : decodeBasic(basic);
  if (!pair) {
    throw new Refusal('invalid_client', { description: 'the Authorization header cannot be read' });
  }
  if (clientId !== undefined && clientId !== pair.clientId) {
    throw new Refusal('invalid_request', { description: 'client_id differs from the Authorization header' });
  }
  return { method: 'client_secret_basic', ...pair };
}

/** Both halves are form-encoded before they are joined (RFC 6749 §2.3.1). */
function decodeBasic(encoded: string): { clientId: string; secret: string } | undefined {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  try {
    return { clientId: decodePart(text.slice(0, colon)), secret: decodePart(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}

function decodePart(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function fromSecret(
  parameters: ReadonlyMap<string, string>,
  clientId: string | undefined,
): ClientCredential | undefined {
  const secret = parameters.get('client_secret');
  if (secret === undefined) return undefined;
  if (clientId === undefined) {
    throw new Refusal('invalid_request', { description: 'client_secret is given without client_id' });
  }
  return { method: 'client_secret_post', clientId, secret };
}

/** RFC 7521 §4.2: type and assertion belong together. */
function fromAssertion(
  parameters: ReadonlyMap<string, string>,
  clientId: string | undefined,
): ClientCredential | undefined {
  const token = parameters.get('client_assertion');
  const type = parameters.get('client_assertion_type');
  if (token === undefined && type === undefined) return undefined;
  if (token === undefined || type === undefined) {
    throw new Refusal('invalid_request', {
      description: 'client_assertion and client_assertion_type must be given together',
    });
  }
  if (type !== JWT_BEARER) {
    throw new Refusal('invalid_request', { description: 'client_assertion_type is not supported' });
  }
  return { method: 'client_assertion', clientId, token };
}
