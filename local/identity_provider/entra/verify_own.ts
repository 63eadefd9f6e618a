import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Core } from '../core.js';

/** What checking a token of this provider found; `claims` are proven unless `problem` is set. */
export type OwnToken =
  | Readonly<{ problem: 'malformed' | 'signature' | 'expired' }>
  | Readonly<{ problem?: undefined; claims: JWTPayload }>;

function keyId(jwt: string): string | undefined {
  try {
    return decodeProtectedHeader(jwt).kid;
  } catch {
    return undefined;
  }
}

function problemOf(error: unknown): 'malformed' | 'signature' | 'expired' {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') return 'expired';
  return error instanceof errors.JWSSignatureVerificationFailed ? 'signature' : 'malformed';
}

/** Checks signature and times of a token this provider may have signed. A withdrawn key counts as a wrong signature. */
export async function verifyOwnToken(core: Core, jwt: string): Promise<OwnToken> {
  const kid = keyId(jwt);
  if (kid === undefined) return { problem: 'malformed' };
  const key = core.keys.find(kid);
  if (key === undefined) return { problem: 'signature' };
  try {
    const currentDate = new Date(core.now());
    const { payload } = await jwtVerify(jwt, key.publicKey, { algorithms: ['RS256'], currentDate });
    return { claims: payload };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

/** A claim's value when it is a string. */
export function stringClaim(claims: JWTPayload, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' ? value : undefined;
}
