import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import type { Core } from '../core.js';
import { servicePrincipalId, TOKEN_EXCHANGE_URI } from '../directory/directory.js';
import type { App, PublicKeyJwk } from '../directory/types.js';
import type { ErrorName } from './error_table.js';
import { EntraError } from './errors.js';
import { issuerOf, type TenantPath } from './tenants.js';
import { verifyOwnToken } from './verify_own.js';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Decoded = Readonly<{ header: ProtectedHeaderParameters; payload: JWTPayload }>;

function decode(jwt: string): Decoded {
  try {
    return { header: decodeProtectedHeader(jwt), payload: decodeJwt(jwt) };
  } catch {
    throw new EntraError('assertionMalformed');
  }
}

/** The client an assertion speaks for by its own word, before anything is proven. Undefined for a managed identity's token. */
export function assertedClient(core: Core, jwt: string): string | undefined {
  const { iss, sub } = decode(jwt).payload;
  return iss === sub && iss !== undefined && !iss.startsWith(core.baseUrl) ? iss : undefined;
}

function candidates(
  keys: readonly PublicKeyJwk[],
  header: ProtectedHeaderParameters,
): readonly PublicKeyJwk[] {
  const names = ['kid', 'x5t', 'x5t#S256'] as const;
  if (names.every((name) => header[name] === undefined)) return keys;
  return keys.filter((key) => names.some((name) => header[name] !== undefined && key[name] === header[name]));
}

function failure(error: unknown): ErrorName {
  if (error instanceof errors.JWTExpired) return 'assertionTime';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'assertionSignature';
  const byClaim: Readonly<Record<string, ErrorName>> = {
    aud: 'assertionAudience',
    iss: 'assertionClient',
    sub: 'assertionClient',
  };
  return byClaim[error.claim] ?? 'assertionTime';
}

async function checkWith(key: KeyObject, jwt: string, expected: Expected): Promise<ErrorName | undefined> {
  const { core, path, client } = expected;
  const segments = [path.segment, ...(path.tenant === undefined ? [] : [path.tenant.tid])];
  const audience = segments.flatMap((one) => [
    `${core.baseUrl}/${one}/oauth2/v2.0/token`,
    `${core.baseUrl}/${one}/v2.0`,
  ]);
  try {
    await jwtVerify(jwt, key, {
      algorithms: ['PS256', 'RS256'],
      audience,
      issuer: client.app_id,
      subject: client.app_id,
      requiredClaims: ['exp'],
      currentDate: new Date(core.now()),
    });
    return undefined;
  } catch (error) {
    return failure(error);
  }
}

type Expected = Readonly<{ core: Core; path: TenantPath; client: App }>;

async function checkCertificate(jwt: string, expected: Expected): Promise<void> {
  const keys = candidates(expected.client.keys ?? [], decode(jwt).header);
  let problem: ErrorName = 'assertionSignature';
  for (const { kty, n, e } of keys) {
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' });
    const found = await checkWith(key, jwt, expected);
    if (found === undefined) return;
    problem = found;
  }
  throw new EntraError(problem);
}

async function checkFederated(jwt: string, { core, client }: Expected): Promise<void> {
  const token = await verifyOwnToken(core, jwt);
  if (token.problem === 'expired') throw new EntraError('assertionTime');
  if (token.problem !== undefined) throw new EntraError('assertionSignature');
  const exchange = core.directory.resource(TOKEN_EXCHANGE_URI, client.tid);
  if (token.claims.aud !== exchange?.app_id) throw new EntraError('federatedAudience');
  const trusted = (client.federated_credentials ?? []).map((one) =>
    servicePrincipalId(one.managed_identity, client.tid),
  );
  if (!trusted.includes(token.claims.sub ?? '')) throw new EntraError('federatedSubject');
}

/**
 * Proves a client by its assertion: signed with a registered certificate's key (RFC 7523), or the token of a managed
 * identity the app trusts as a federated credential, which must come from the app's own tenant.
 * @throws EntraError saying what does not fit
 */
export async function checkClientAssertion(jwt: string, expected: Expected): Promise<void> {
  const { core, client } = expected;
  const fromHere = decode(jwt).payload.iss === issuerOf(core, client.tid, 2);
  await (fromHere ? checkFederated(jwt, expected) : checkCertificate(jwt, expected));
}
