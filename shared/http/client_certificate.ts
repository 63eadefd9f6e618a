import { X509Certificate } from 'node:crypto';
import type { HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import type { Clock } from '../ports.js';

/** Thumbprint (SHA-256, base64url) of the certificate the client connected with; undefined when there is none. */
export type ReadCertificate = (request: HttpRequest) => string | undefined;

/** Where App Service puts the certificate a client showed in the TLS handshake: Base64 of the DER. */
const HEADER = 'x-arr-clientcert';
const MOST_CHARS = 16_384;

/**
 * @param trusted that the platform sets the header and lets no caller's own through; where it is not known to, there are no certificates
 * @throws Refusal `invalid_client` for what is no certificate, or is not valid now
 */
export function createReadCertificate({
  trusted,
  clock,
}: {
  trusted: boolean;
  clock: Clock;
}): ReadCertificate {
  return (request) => {
    const header = trusted ? request.headers.get(HEADER) : null;
    if (header === null || header === '') return undefined;
    const certificate = parse(header);
    const now = clock();
    if (
      !certificate ||
      !(Date.parse(certificate.validFrom) <= now && now < Date.parse(certificate.validTo))
    ) {
      throw new Refusal('invalid_client', {
        description: 'client authentication failed',
        reason: 'the client certificate is unreadable or not valid now',
      });
    }
    return Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  };
}

/** Two headers arrive joined by a comma, which Base64 does not have: two certificates are none. */
function parse(header: string): X509Certificate | undefined {
  if (header.length > MOST_CHARS || !/^[A-Za-z0-9+/]+={0,2}$/.test(header)) return undefined;
  try {
    return new X509Certificate(Buffer.from(header, 'base64'));
  } catch {
    return undefined;
  }
}
