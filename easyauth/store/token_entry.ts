import type { Compat } from '../config/compat.js';
import type { Claim } from '../identity/principal.js';

/** What one provider left for one user. Tokens are raw; times are milliseconds since 1970. */
export interface TokenEntry {
  readonly provider: string;
  readonly userId: string;
  readonly claims: readonly Claim[];
  readonly idToken?: string | undefined;
  readonly accessToken?: string | undefined;
  readonly accessTokenSecret?: string | undefined;
  readonly authenticationToken?: string | undefined;
  readonly refreshToken?: string | undefined;
  /** The scope asked for at sign-in. */
  readonly scope?: string | undefined;
  /** When the access token ends. */
  readonly expiresAt?: number | undefined;
  /** When the entry last came from the provider by a refresh. */
  readonly refreshedAt?: number | undefined;
  /** When the provider refused the refresh token for good. */
  readonly refusedAt?: number | undefined;
}

/** `yyyy-MM-ddTHH:mm:ss.fffffffZ`, the round-trip form Easy Auth writes (reference §2.4). */
function roundTripTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '0000Z');
}

export type ExpiresOnForm = Compat['expiresOnForm'];

function expiresOn({ expiresAt }: TokenEntry, form: ExpiresOnForm): string | undefined {
  if (expiresAt === undefined) return undefined;
  return form === 'round-trip' ? roundTripTime(expiresAt) : String(Math.floor(expiresAt / 1000));
}

/** The provider token headers as a raw array; a value that is not there has no header. Source: reference §2.4. */
export function tokenHeaders(entry: TokenEntry, form: ExpiresOnForm): string[] {
  const values: [string, string | undefined][] = [
    ['ID-TOKEN', entry.idToken],
    ['ACCESS-TOKEN', entry.accessToken],
    ['ACCESS-TOKEN-SECRET', entry.accessTokenSecret],
    ['EXPIRES-ON', expiresOn(entry, form)],
    ['REFRESH-TOKEN', entry.refreshToken],
    ['AUTHENTICATION-TOKEN', entry.authenticationToken],
  ];
  const prefix = `X-MS-TOKEN-${entry.provider.toUpperCase()}`;
  return values.flatMap(([type, value]) => (value === undefined ? [] : [`${prefix}-${type}`, value]));
}

/** An element of `/.auth/me`: alphabetical members, those without a value left out. Source: reference §3.1. */
export function meElement(
  entry: TokenEntry,
  { hideTokensFromMe, expiresOnForm }: Pick<Compat, 'hideTokensFromMe' | 'expiresOnForm'>,
): Record<string, unknown> {
  const shown = <T>(value: T) => (hideTokensFromMe === 'true' ? undefined : value);
  return {
    access_token: shown(entry.accessToken),
    access_token_secret: shown(entry.accessTokenSecret),
    authentication_token: shown(entry.authenticationToken),
    expires_on: expiresOn(entry, expiresOnForm),
    id_token: shown(entry.idToken),
    provider_name: entry.provider,
    refresh_token: shown(entry.refreshToken),
    user_claims: entry.claims,
    user_id: entry.userId,
  };
}
