import { jsonReply } from '../../http/reply.js';
import { Refusal } from '../kit/refusal.js';
import { problemPage } from '../kit/sign_in_page.js';
import type { TokenProblem } from '../kit/tokens.js';

/** The causes of a refusal at the token endpoint, with Google's status, code and words. */
const RULES = {
  unknownClient: [401, 'invalid_client', 'The OAuth client was not found.'],
  wrongSecret: [401, 'invalid_client', 'Unauthorized'],
  foreign: [401, 'unauthorized_client', 'Unauthorized'],
  repeated: [400, 'invalid_request', 'OAuth 2 parameters can only have a single value.'],
  missingCode: [400, 'invalid_request', 'Missing required parameter: code'],
  missingRedirect: [400, 'invalid_request', 'Missing parameter: redirect_uri'],
  missingRefresh: [400, 'invalid_request', 'Missing required parameter: refresh_token'],
  grantType: [400, 'unsupported_grant_type', 'Invalid grant_type.'],
  malformedCode: [400, 'invalid_grant', 'Malformed auth code.'],
  spentCode: [400, 'invalid_grant', 'Bad Request'],
  redirect: [400, 'redirect_uri_mismatch', 'Bad Request'],
  verifierMissing: [400, 'invalid_grant', 'Missing code verifier.'],
  verifierWrong: [400, 'invalid_grant', 'Invalid code verifier.'],
  badRefresh: [400, 'invalid_grant', 'Bad Request'],
  expired: [400, 'invalid_grant', 'Token has been expired or revoked.'],
  deleted: [400, 'invalid_grant', 'Account has been deleted'],
  rapt: [400, 'invalid_grant', 'reauth related error (invalid_rapt)'],
  scope: [400, 'invalid_scope', 'Some requested scopes were invalid.'],
  revokeMissing: [400, 'invalid_request', 'Missing required parameter: token'],
  revokeUnknown: [400, 'invalid_token', 'Token expired or revoked'],
  infoInvalid: [400, 'invalid_token', 'Invalid Value'],
} as const satisfies Record<string, readonly [number, string, string]>;

export type GoogleCause = keyof typeof RULES;

/** A refusal in Google's words. `invalid_rapt` also comes with its subtype. */
export function googleRefusal(cause: GoogleCause): Refusal {
  const [status, error, description] = RULES[cause];
  const subtype = cause === 'rapt' ? { error_subtype: 'invalid_rapt' } : {};
  const body = { error, error_description: description, ...subtype };
  return new Refusal(jsonReply(status, body), cause === 'rapt' ? 'invalid_rapt' : error);
}

/** Why a refresh token is refused. Google does not tell revoked, removed and expired apart. */
export function refreshCause(problem: TokenProblem): GoogleCause {
  if (problem === 'malformed') return 'badRefresh';
  if (problem === 'deleted') return 'deleted';
  return problem === 'reauthenticate' ? 'rapt' : 'expired';
}

/** A refusal at the authorization endpoint that Google shows to the user instead of sending it to the app. */
export function accessBlocked(error: string, detail: string, status = 400): Refusal {
  return new Refusal(problemPage('Access blocked', `Error ${status}: ${error}. ${detail}`, status), error);
}
