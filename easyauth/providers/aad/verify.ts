import { createHash, timingSafeEqual } from 'node:crypto';
import { type JWTPayload, type JWTVerifyGetKey, errors as jose, jwtVerify } from 'jose';
import { InvalidTokenError, LoginProtocolError } from '../../errors.js';
import type { Metadata } from '../openid/metadata.js';
import { issuerMatches } from './issuer.js';

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256'];
/** Clocks of two machines may differ by this much. */
const skewSeconds = 5;

export interface VerifyOptions {
  readonly keys: JWTVerifyGetKey;
  readonly metadata: Metadata;
  readonly audiences: readonly string[];
  readonly allowedTenants: readonly string[];
  readonly now: number;
}

function checkOrigin(payload: JWTPayload, { metadata, allowedTenants }: VerifyOptions): void {
  if (!issuerMatches(metadata.issuer, payload)) throw new InvalidTokenError('the issuer is another one');
  const tid = typeof payload.tid === 'string' ? payload.tid.toLowerCase() : '';
  if (allowedTenants.length > 0 && !allowedTenants.includes(tid))
    throw new InvalidTokenError('the tenant is not allowed');
  if (typeof payload.sub !== 'string' || payload.sub === '')
    throw new InvalidTokenError('the subject is missing');
}

/**
 * Checks signature, issuer, tenant, audience and times of a token (OpenID Connect Core §3.1.3.7, RFC 7519).
 * @throws InvalidTokenError for a token that is not valid here
 * @throws ProviderError when the provider's keys cannot be had
 */
export async function verifyToken(token: string, options: VerifyOptions): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, options.keys, {
      algorithms,
      audience: [...options.audiences],
      clockTolerance: skewSeconds,
      currentDate: new Date(options.now),
      requiredClaims: ['exp', 'iss', 'sub'],
    });
    checkOrigin(payload, options);
    return payload;
  } catch (error) {
    if (error instanceof jose.JOSEError) throw new InvalidTokenError(error.code);
    throw error;
  }
}

/**
 * Checks that an ID token was issued together with `code` (OpenID Connect Core §3.3.2.11).
 * @throws LoginProtocolError
 */
export function checkCodeHash(payload: JWTPayload, code: string): void {
  const digest = createHash('sha256').update(code, 'ascii').digest();
  const expected = Buffer.from(digest.subarray(0, 16).toString('base64url'));
  const claimed = Buffer.from(typeof payload.c_hash === 'string' ? payload.c_hash : '');
  if (expected.length !== claimed.length || !timingSafeEqual(expected, claimed))
    throw new LoginProtocolError('the code does not belong to the ID token');
}
