import type { Failure, ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { type Scope, scopeOf } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';
import { EASY_AUTH_ERRORS } from './easy_auth_errors.js';
import type { ProviderRules } from './rules.js';
import { DEAD, isTransport, OUR_REGISTRATION, OUR_REQUEST, TRANSIENT, USER, verdictOf } from './verdicts.js';

export interface OpenIdOptions {
  /** As Easy Auth calls it, in lower case. */
  readonly name: string;
  readonly rotation: ProviderRules['rotation'];
  /** How long an Easy Auth session can go without being renewed; for single use, where the session is what is held. */
  readonly sessionSeconds?: number;
}

/** Scopes that steer the sign-in and are no authority at a resource. */
const PROTOCOL_SCOPES: ReadonlySet<string> = new Set(['openid', 'offline_access']);

/**
 * A custom OpenID Connect provider, by the letter of the standards: RFC 6749 §6 for refresh and narrowing, §5.2 for errors, RFC 7009 for
 * revocation.
 */
export function openIdRules({ name, rotation, sessionSeconds }: OpenIdOptions): ProviderRules {
  const throughSession = rotation === 'single-use';
  return {
    name,
    rotation,
    refreshKind: 'refresh_token',
    narrows: !throughSession,
    signIn: 'id_token',
    signatures: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
    isIdToken,
    revocation: throughSession ? 'none' : 'rfc7009',
    limits: throughSession && sessionSeconds !== undefined ? { inactivitySeconds: sessionSeconds } : {},
    requestScope,
    grantedScope,
    subjectOf: (claims) => openIdSubject(name, claims),
    classify,
  };
}

/** The bare credential is asked for without `scope`, which means what it held all along (RFC 6749 §6). `openid` brings the ID token back. */
function requestScope(_resource: string | undefined, scope: Scope): string {
  return scope.length === 0 ? '' : ['openid', ...scope].join(' ');
}

function grantedScope(answer: string): Scope {
  return scopeOf(answer.split(' ').filter((token) => token !== '' && !PROTOCOL_SCOPES.has(token)));
}

/** `azp` must be the app itself (OpenID Connect Core §3.1.3.7); `scope` and `scp` are of access tokens (RFC 9068 §2.2.3). */
export function isIdToken(claims: Readonly<Record<string, unknown>>, clientId: string): boolean {
  const { azp, scope, scp } = claims;
  return (azp === undefined || azp === clientId) && scope === undefined && scp === undefined;
}

/** `(iss, sub)` (OpenID Connect Core §5.7). */
export function openIdSubject(
  provider: string,
  { iss, sub }: Readonly<Record<string, unknown>>,
): Subject | undefined {
  if (typeof iss !== 'string' || typeof sub !== 'string' || iss === '' || sub === '') return undefined;
  return { provider, tenant: iss, id: sub };
}

const ERRORS: Readonly<Record<string, Verdict>> = {
  invalid_grant: DEAD,
  invalid_client: OUR_REGISTRATION,
  unauthorized_client: OUR_REGISTRATION,
  invalid_request: OUR_REQUEST,
  invalid_scope: OUR_REQUEST,
  invalid_target: OUR_REQUEST,
  unsupported_grant_type: OUR_REQUEST,
  interaction_required: USER,
  login_required: USER,
  consent_required: USER,
  access_denied: USER,
  /** The answer named nobody, and the provider could not be asked who it is. */
  subject_unproven: OUR_REQUEST,
  ...EASY_AUTH_ERRORS,
};

/** RFC 6749 §5.2, OpenID Connect Core §3.1.2.6. */
export function classify(failure: ProviderFailure, _previous: Failure | undefined): Verdict {
  return isTransport(failure.status) ? TRANSIENT : verdictOf(ERRORS, failure.error);
}
