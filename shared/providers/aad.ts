import type { Failure, ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { type Scope, scopeOf } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';
import type { ProviderRules } from './rules.js';

/** Microsoft Entra ID: every refresh returns a new token, the old one stays good; no RFC 7009; scopes are not narrowed. */
export const aad: ProviderRules = {
  name: 'aad',
  rotation: 'replace-keep-old',
  revocation: 'none',
  requestScope,
  grantedScope,
  subjectOf,
  classify,
};

/** Scopes that steer the sign-in and are no authority at a resource. */
const PROTOCOL_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);
const PROTOCOL = 'openid profile offline_access';

/** `offline_access` goes into every refresh, or Entra returns no successor; `openid profile` brings `oid` and `tid` back. */
function requestScope(resource: string | undefined, scope: Scope): string {
  if (resource === undefined) return PROTOCOL;
  return [...scope.map((token) => `${resource}/${token}`), PROTOCOL].join(' ');
}

/** Entra writes scopes of the default resource bare and others with their resource in front. */
function grantedScope(answer: string, resource: string | undefined): Scope {
  const prefix = `${resource ?? ''}/`;
  const tokens = answer.split(' ').filter((token) => token !== '' && !PROTOCOL_SCOPES.has(token));
  return scopeOf(tokens.map((token) => (token.startsWith(prefix) ? token.slice(prefix.length) : token)));
}

/** `(tid, oid)`; never `sub`, which is pairwise per client, and never a name or an address. */
function subjectOf(claims: Readonly<Record<string, unknown>>): Subject | undefined {
  const { tid, oid } = claims;
  if (typeof tid !== 'string' || typeof oid !== 'string' || tid === '' || oid === '') return undefined;
  return { provider: 'aad', tenant: tid, id: oid };
}

const OUR_FAULT: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client']);
const BAD_REQUEST: ReadonlySet<string> = new Set([
  'invalid_scope',
  'invalid_resource',
  'invalid_request',
  'invalid_target',
  'unsupported_grant_type',
]);
const NEEDS_USER: ReadonlySet<string> = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
]);
const NEEDS_USER_SUBERROR: ReadonlySet<string> = new Set([
  'basic_action',
  'additional_action',
  'message_only',
  'consent_required',
  'user_password_expired',
]);
const DEAD_SUBERROR: ReadonlySet<string> = new Set(['bad_token', 'token_expired']);
const DEAD_CODE: ReadonlySet<number> = new Set([50034, 50173, 70008, 700082, 700084, 70043, 500341]);
const TWO_STRIKES_CODE: ReadonlySet<number> = new Set([70000, 9002313]);
const THROTTLED_CODE = 50196;
const DISABLED_CODE = 50057;
const DAY_SECONDS = 86_400;
const STRIKE_GAP_SECONDS = 600;
const UNEXPLAINED_TRIES = 3;

/** HTTP status first, then `error`, then `suberror` and `claims`; AADSTS numbers only refine `invalid_grant`. */
function classify(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const { status, error } = failure;
  if (isTransport(status) || error === 'temporarily_unavailable') return { class: 'transient' };
  if (OUR_FAULT.has(error)) return { class: 'broker_misconfigured', opensCircuit: true };
  if (NEEDS_USER.has(error)) return { class: 'user_action_required' };
  if (BAD_REQUEST.has(error)) return classifyBadRequest(failure, previous);
  if (error === 'invalid_grant') return classifyInvalidGrant(failure, previous);
  return { class: 'transient' };
}

function isTransport(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** A request Entra cannot take is a policy or setting of ours, for this target alone; other users and resources go on. */
function classifyBadRequest(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  if (failure.codes.some((code) => TWO_STRIKES_CODE.has(code))) return secondStrike(failure, previous);
  return { class: 'broker_misconfigured' };
}

function classifyInvalidGrant(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const has = (codes: ReadonlySet<number>) => failure.codes.some((code) => codes.has(code));
  if (failure.codes.includes(THROTTLED_CODE)) return { class: 'transient', waitSeconds: 300 };
  if (failure.claims !== undefined || NEEDS_USER_SUBERROR.has(failure.suberror ?? '')) {
    return { class: 'user_action_required' };
  }
  if (has(TWO_STRIKES_CODE)) return secondStrike(failure, previous);
  if (DEAD_SUBERROR.has(failure.suberror ?? '') || has(DEAD_CODE)) return { class: 'grant_dead' };
  if (failure.codes.includes(DISABLED_CODE)) {
    return { class: 'user_action_required', waitSeconds: DAY_SECONDS };
  }
  return unexplained(previous);
}

/** Codes seen to vanish on the next try: dead only when they return ten minutes later. */
function secondStrike(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const struckBefore = previous?.codes.some((code) => failure.codes.includes(code)) ?? false;
  return struckBefore ? { class: 'grant_dead' } : { class: 'transient', waitSeconds: STRIKE_GAP_SECONDS };
}

/** Any other `invalid_grant`: Microsoft's own clients keep the token, so ask for the user and give up only after days. */
function unexplained(previous: Failure | undefined): Verdict {
  const tries = previous?.class === 'user_action_required' ? previous.count : 0;
  return { class: tries >= UNEXPLAINED_TRIES ? 'grant_dead' : 'user_action_required' };
}
