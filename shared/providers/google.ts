import type { Failure, ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { type Scope, scopeOf } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';
import { classify as classifyStandard, openIdRules, openIdSubject } from './openid.js';
import type { ProviderRules } from './rules.js';
import { DEAD, isTransport, OUR_REGISTRATION, TRANSIENT, USER, USER_DAILY } from './verdicts.js';

/** Google: one refresh token for good, which dies after six months without use; `scope` narrows; revocation ends the user's whole consent. */
export const google: ProviderRules = {
  ...openIdRules({ name: 'google', rotation: 'none' }),
  signatures: ['RS256'],
  otherIssuers: withoutScheme,
  limits: { inactivitySeconds: 180 * 86_400 },
  requestScope: (_, scope) => ['openid', ...scope].join(' '),
  grantedScope,
  subjectOf,
  classify,
};

/** Google answers with long names whatever was asked for. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  'https://www.googleapis.com/auth/userinfo.email': 'email',
  'https://www.googleapis.com/auth/userinfo.profile': 'profile',
};

function grantedScope(answer: string): Scope {
  const tokens = answer.split(' ').filter((token) => token !== '' && token !== 'openid');
  return scopeOf(tokens.map((token) => SHORT_NAMES[token] ?? token));
}

/** Google writes its issuer with and without the scheme. */
function withoutScheme(issuer: string): readonly string[] {
  return issuer.startsWith('https://') ? [issuer.slice('https://'.length)] : [];
}

function subjectOf(claims: Readonly<Record<string, unknown>>): Subject | undefined {
  const { iss } = claims;
  const full = typeof iss === 'string' && !iss.includes('://') ? `https://${iss}` : iss;
  return openIdSubject('google', { ...claims, iss: full });
}

/** Errors about the app itself, beside those of RFC 6749. */
const OUR_APP: ReadonlySet<string> = new Set(['deleted_client', 'disabled_client', 'org_internal']);
const REAUTHENTICATE: ReadonlySet<string> = new Set(['invalid_rapt', 'rapt_required']);

/**
 * `invalid_grant` covers all ways a token ends (reference/identity-providers.md §8); only session control (`invalid_rapt`), where the token
 * works again once the user has signed in, and a ban by the Workspace administrator are told apart.
 */
function classify(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const { status, error, suberror = '' } = failure;
  if (isTransport(status)) return TRANSIENT;
  if (OUR_APP.has(error)) return OUR_REGISTRATION;
  if (error === 'admin_policy_enforced') return USER_DAILY;
  if (REAUTHENTICATE.has(error) || REAUTHENTICATE.has(suberror)) return USER;
  return error === 'invalid_grant' ? DEAD : classifyStandard(failure, previous);
}
