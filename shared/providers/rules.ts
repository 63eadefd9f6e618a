import type { CredentialKind, FreshnessRules, Rotation } from '../domain/connection.js';
import type { CredentialLimits } from '../domain/predicted_end.js';
import type { Failure, ProviderFailure, Verdict } from '../domain/refresh_result.js';
import type { Scope } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';

/** What differs between identity providers: data and pure rules, no input or output. */
export interface ProviderRules {
  readonly name: string;
  /** What happens to a refresh token that has been redeemed. */
  readonly rotation: Rotation;
  /**
   * How the credential is kept alive: a refresh token is redeemed; a long-lived access token is exchanged for its successor before it ends;
   * or there is nothing to refresh and a refresh only looks whether the access token still works.
   */
  readonly refreshKind: 'refresh_token' | 'exchange' | 'none';
  /** Whether the access token is of use only with a secret of its own. */
  readonly tokenSecret?: boolean;
  /** Whether a smaller `scope` at a refresh gives a smaller token. What came back is compared all the same. */
  readonly narrows: boolean;
  /** What proves who has signed in: a signed ID token, or nothing but the platform's headers. */
  readonly signIn: 'id_token' | 'headers';
  /** How ID tokens may be signed: a fixed list, so that no token chooses how it is checked. */
  readonly signatures: readonly string[];
  /** Other spellings of the issuer in tokens. */
  otherIssuers?(issuer: string): readonly string[];
  /** Whether verified claims are an ID token's, and not those of an access token whose audience is the app as well. */
  isIdToken(claims: Readonly<Record<string, unknown>>, clientId: string): boolean;
  /** How the credential is ended at the provider: RFC 7009, a way of the provider's own, or not for this app alone. */
  readonly revocation: 'rfc7009' | 'custom' | 'none';
  readonly limits: CredentialLimits;
  /** The `scope` parameter that asks for exactly this at a resource, or for the bare credential; empty where none is sent. */
  requestScope(resource: string | undefined, scope: Scope): string;
  /** The `scope` parameter by which a facade asks for this on a user's behalf; absent where a provider knows no such thing. */
  readonly onBehalfScope?: (resource: string, scope: Scope) => string;
  /** The `claims` parameter that hands a resource's challenge on; absent where a provider knows no such thing. */
  readonly requestClaims?: (claims: string) => string;
  /** The provider's `scope` answer in the words policy uses. */
  grantedScope(answer: string, resource: string | undefined): Scope;
  /** The user whom claims of this provider name; undefined when one is missing. */
  subjectOf(claims: Readonly<Record<string, unknown>>): Subject | undefined;
  classify(failure: ProviderFailure, previous: Failure | undefined): Verdict;
}

/**
 * What a connection to this provider holds. A refresh token that counts once would be spent by whoever redeems it second, Easy Auth or
 * us: there the session is held instead, and Easy Auth alone redeems.
 */
export function credentialKindOf({
  rotation,
  refreshKind,
}: Pick<ProviderRules, 'rotation' | 'refreshKind'>): CredentialKind {
  if (rotation === 'single-use') return 'session';
  return refreshKind === 'refresh_token' ? 'refresh_token' : 'access_token';
}

const MOST_IDLE_SHARE = 3;

/** When tokens of this provider are renewed: as set for all, and earlier where the provider's own limits ask for it. */
export function freshnessOf({ limits }: Pick<ProviderRules, 'limits'>, set: FreshnessRules): FreshnessRules {
  const { inactivitySeconds = Number.POSITIVE_INFINITY, renewBeforeSeconds = 0 } = limits;
  return {
    windowSeconds: Math.max(set.windowSeconds, renewBeforeSeconds),
    livenessSeconds: Math.min(set.livenessSeconds, inactivitySeconds / MOST_IDLE_SHARE),
  };
}
