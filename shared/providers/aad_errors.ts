import type { Failure, ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { DEAD, isTransport, OUR_REGISTRATION, OUR_REQUEST, TRANSIENT, USER, USER_DAILY } from './verdicts.js';

const OUR_FAULT: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client']);
const BAD_REQUEST: ReadonlySet<string> = new Set([
  'invalid_scope',
  'invalid_resource',
  'invalid_request',
  'invalid_target',
  'unsupported_grant_type',
  // Our own word: the user's tenant has been taken off the list.
  'tenant_not_allowed',
]);
const NEEDS_USER: ReadonlySet<string> = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
  'access_denied',
]);
const NEEDS_USER_SUBERROR: ReadonlySet<string> = new Set([
  'basic_action',
  'additional_action',
  'message_only',
  'consent_required',
  'user_password_expired',
  'protection_policy_required',
]);
/** Sign-in, second factor, device, conditional access, consent: waiting helps as little as killing does. */
const NEEDS_USER_CODE: ReadonlySet<number> = new Set([
  ...[50020, 50053, 50055, 50058, 50072, 50074, 50076, 50078, 50079, 50085, 50089, 50132, 50133, 50144],
  ...[50097, 50125, 50129, 50131, 50155, 50158, 50187, 53000, 53001, 53002, 53003, 53004, 53011],
  ...[530031, 530032, 530034, 530035, 530084, 65001, 90094, 90095],
]);
const TRANSIENT_CODE: ReadonlySet<number> = new Set([
  ...[50033, 50087, 50088, 90006, 90012, 90024, 90033, 90055, 90090],
]);
const DEAD_SUBERROR: ReadonlySet<string> = new Set(['bad_token', 'token_expired']);
const DEAD_CODE: ReadonlySet<number> = new Set([50034, 50173, 70008, 700082, 700084, 70043, 500341]);
const TWO_STRIKES_CODE: ReadonlySet<number> = new Set([70000, 9002313]);
const THROTTLED_CODE = 50196;
const DISABLED_CODE = 50057;
/** An administrator has to assign the user to the app: nothing the user can do, and nothing wrong for anybody else. */
const UNASSIGNED_CODE = 50105;
const APP_MISSING_CODE = 700016;

const THROTTLED_SECONDS = 300;
const STRIKE_GAP_SECONDS = 600;
const UNEXPLAINED_TRIES = 3;

const THROTTLED: Verdict = { class: 'transient', waitSeconds: THROTTLED_SECONDS };

/**
 * What an Entra error means: HTTP status first, then `error`, then `suberror` and `claims`; AADSTS numbers only refine what `error` leaves
 * open (reference/identity-providers.md §6).
 */
export function classify(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  return failure.facade === undefined
    ? classifyRedemption(failure, previous)
    : classifyOnBehalf(failure, previous);
}

/** The token a facade presents is not one it may present: expired, for another audience, or of no user. */
const BAD_ASSERTION: ReadonlySet<number> = new Set([50013, 50027, 500131, 500133, 700003]);

/** At the facade's hop the user's credential has just been redeemed: whatever is refused there, that credential is not dead. */
function classifyOnBehalf(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  if (failure.error === 'invalid_grant' && hasCode(failure, BAD_ASSERTION)) return OUR_REQUEST;
  const verdict = classifyRedemption(failure, previous);
  return verdict.class === 'grant_dead' ? USER : verdict;
}

function classifyRedemption(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const { status, error, codes } = failure;
  if (isTransport(status) || error === 'temporarily_unavailable') {
    return codes.includes(THROTTLED_CODE) ? THROTTLED : TRANSIENT;
  }
  if (OUR_FAULT.has(error)) return OUR_REGISTRATION;
  if (NEEDS_USER.has(error)) return USER;
  if (error !== 'invalid_grant' && !BAD_REQUEST.has(error)) return TRANSIENT;
  if (codes.some(isRegistrationCode)) return OUR_REGISTRATION;
  return error === 'invalid_grant'
    ? classifyInvalidGrant(failure, previous)
    : classifyBadRequest(failure, previous);
}

/** 7000xxx: client secret, certificate or assertion; the app itself disabled. */
function isRegistrationCode(code: number): boolean {
  return code === APP_MISSING_CODE || Math.floor(code / 1000) === 7000;
}

/** A request Entra cannot take is a policy or setting of ours, for this target alone; other users and resources go on. */
function classifyBadRequest(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  return hasCode(failure, TWO_STRIKES_CODE) ? secondStrike(failure, previous) : OUR_REQUEST;
}

function classifyInvalidGrant(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const { codes, suberror = '' } = failure;
  if (codes.includes(THROTTLED_CODE)) return THROTTLED;
  if (failure.claims !== undefined || NEEDS_USER_SUBERROR.has(suberror)) return USER;
  if (hasCode(failure, TRANSIENT_CODE) || codes.some(isServiceCode)) return TRANSIENT;
  if (suberror === 'client_mismatch' || codes.includes(UNASSIGNED_CODE)) return OUR_REQUEST;
  if (hasCode(failure, TWO_STRIKES_CODE)) return secondStrike(failure, previous);
  if (DEAD_SUBERROR.has(suberror) || hasCode(failure, DEAD_CODE)) return DEAD;
  if (codes.includes(DISABLED_CODE)) return USER_DAILY;
  return hasCode(failure, NEEDS_USER_CODE) ? USER : unexplained(previous);
}

function hasCode({ codes }: ProviderFailure, among: ReadonlySet<number>): boolean {
  return codes.some((code) => among.has(code));
}

/** 81xxx: the directory's own services are in trouble. */
function isServiceCode(code: number): boolean {
  return Math.floor(code / 1000) === 81;
}

/** Codes seen to vanish on the next try: dead only when they return ten minutes later. */
function secondStrike(failure: ProviderFailure, previous: Failure | undefined): Verdict {
  const struckBefore = previous?.codes.some((code) => failure.codes.includes(code)) ?? false;
  return struckBefore ? DEAD : { class: 'transient', waitSeconds: STRIKE_GAP_SECONDS };
}

/** Any other `invalid_grant`: Microsoft's own clients keep the token, so ask for the user and give up only after days. */
function unexplained(previous: Failure | undefined): Verdict {
  const tries = previous?.class === 'user_action_required' ? previous.count : 0;
  return tries >= UNEXPLAINED_TRIES ? DEAD : USER;
}
