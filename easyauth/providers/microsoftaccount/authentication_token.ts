import { createHash } from 'node:crypto';
import { errors as jose, jwtVerify } from 'jose';
import { InvalidTokenError } from '../../errors.js';

const issuer = 'urn:windows:liveid';
const appClaim = 'urn:microsoft:appid';
/** Clocks of two machines may differ by this much. */
const skewSeconds = 5;

interface TokenCheck {
  readonly secret: string;
  /** The client ids whose tokens are accepted. */
  readonly apps: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface AuthenticatedUser {
  readonly userId: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Checks an authentication token: a JWT signed with a key made from the app's own secret (Live Connect, single sign-on).
 * @throws InvalidTokenError
 */
export async function verifyAuthenticationToken(
  token: string,
  check: TokenCheck,
): Promise<AuthenticatedUser> {
  const key = createHash('sha256').update(`${check.secret}JWTSig`, 'utf8').digest();
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      issuer,
      clockTolerance: skewSeconds,
      currentDate: new Date(check.now),
      requiredClaims: ['exp', 'uid', appClaim],
    });
    const { uid, [appClaim]: app, exp = 0 } = payload;
    if (typeof app !== 'string' || !check.apps.includes(app))
      throw new InvalidTokenError('the token was issued to another app');
    if (typeof uid !== 'string' || uid === '') throw new InvalidTokenError('the token names no user');
    return { userId: uid, expiresAt: exp * 1000 };
  } catch (error) {
    if (error instanceof jose.JOSEError) throw new InvalidTokenError(error.code);
    throw error;
  }
}
