import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import type { ClientCredential } from '../flows/authenticate_client.js';
import { readForm } from './body.js';
import type { ReadCertificate } from './client_certificate.js';
import { readClientCredential } from './client_credential.js';
import { type Call, createEndpoint, type EndpointOptions } from './endpoint.js';

export interface ClientForm {
  readonly parameters: ReadonlyMap<string, string>;
  readonly credential: ClientCredential;
  /** Thumbprint of the certificate the client connected with. */
  readonly certificate?: string;
}

export type ClientFormOptions = Pick<EndpointOptions, 'gate' | 'log'> & {
  readonly readCertificate: ReadCertificate;
};

/** An OAuth endpoint that clients post forms to (RFC 6749 §3.2): no cookies, errors as JSON, a challenge in the scheme that was tried. */
export function createClientFormEndpoint(
  options: ClientFormOptions,
  run: (read: () => Promise<ClientForm>, call: Call) => Promise<HttpResponseInit>,
): HttpHandler {
  return createEndpoint({ ...options, errors: 'oauth', methods: ['POST'] }, async (call) => {
    try {
      return await run(() => readClientForm(call.request, options.readCertificate), call);
    } catch (error) {
      throw challenged(error, call);
    }
  });
}

async function readClientForm(request: HttpRequest, readCertificate: ReadCertificate): Promise<ClientForm> {
  const parameters = await readForm(request);
  const certificate = readCertificate(request);
  return {
    parameters,
    credential: readClientCredential(request, parameters, certificate),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

/** A client that tried the Authorization header is answered in its scheme (RFC 6749 §5.2). */
function challenged(error: unknown, { request }: Call): unknown {
  const tried = request.headers.get('authorization');
  if (!(error instanceof Refusal) || error.code !== 'invalid_client' || tried === null) return error;
  const scheme = /^bearer\b/i.test(tried) ? 'Bearer' : 'Basic';
  return new Refusal('invalid_client', {
    description: error.description,
    reason: error.reason,
    headers: { 'WWW-Authenticate': `${scheme} realm="token"` },
  });
}
