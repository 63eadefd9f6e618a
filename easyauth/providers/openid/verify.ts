import { type JWTPayload, type JWTVerifyGetKey, errors as jose, jwtVerify } from 'jose';
import { InvalidTokenError } from '../../errors.js';

/** Signatures with a key of the provider only: no `none`, and no HMAC, whose key would be our own secret. */
export const signatureAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];
/** Clocks of two machines may differ by this much. */
export const skewSeconds = 5;

export interface TokenCheck {
  readonly keys: JWTVerifyGetKey;
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A token for several audiences must name us as the party it was issued to (OpenID Connect Core §3.1.3.7, 4 and 5). */
function checkParty({ aud, azp }: JWTPayload, audiences: readonly string[]): void {
  if (!Array.isArray(aud) || aud.length < 2) return;
  if (typeof azp !== 'string' || !audiences.includes(azp))
    throw new InvalidTokenError('the token was issued to another party');
}

/**
 * Checks signature, issuer, audience, times and subject of a provider's token (OpenID Connect Core §3.1.3.7, RFC 7519).
 * @throws InvalidTokenError for a token that is not valid here
 * @throws ProviderError when the provider's keys cannot be had
 */
export async function verifyProviderToken(token: string, check: TokenCheck): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, check.keys, {
      algorithms: signatureAlgorithms,
      issuer: [...check.issuers],
      audience: [...check.audiences],
      clockTolerance: skewSeconds,
      currentDate: new Date(check.now),
      requiredClaims: ['exp', 'iss', 'sub'],
    });
    if (typeof payload.sub !== 'string' || payload.sub === '')
      throw new InvalidTokenError('the subject is missing');
    checkParty(payload, check.audiences);
    return payload;
  } catch (error) {
    if (error instanceof jose.JOSEError) throw new InvalidTokenError(error.code);
    throw error;
  }
}
