import { jsonReply } from '../../http/reply.js';
import { Refusal } from '../kit/refusal.js';
import { problemPage } from '../kit/sign_in_page.js';

/** The causes of a refusal at Apple's token and revocation endpoints. */
const RULES = {
  client: [400, 'invalid_client', undefined],
  repeated: [400, 'invalid_request', 'A parameter was given more than once.'],
  request: [400, 'invalid_request', undefined],
  grantType: [400, 'unsupported_grant_type', undefined],
  code: [400, 'invalid_grant', 'The code has expired or has been revoked.'],
  usedCode: [400, 'invalid_grant', 'The code has already been used.'],
  redirect: [400, 'invalid_grant', 'redirect_uri mismatch. The code was not issued to this redirect_uri.'],
  foreign: [400, 'invalid_grant', 'client_id mismatch. The code was not issued to this client_id.'],
  token: [400, 'invalid_grant', 'The token has expired or has been revoked.'],
  throttled: [429, 'slow_down', 'A refresh token may be verified once a day.'],
} as const satisfies Record<string, readonly [number, string, string | undefined]>;

export type AppleCause = keyof typeof RULES;

/** A refusal in Apple's words. */
export function appleRefusal(cause: AppleCause): Refusal {
  const [status, error, description] = RULES[cause];
  const text = description === undefined ? {} : { error_description: description };
  return new Refusal(jsonReply(status, { error, ...text }), error);
}

/** A refusal at the authorization endpoint, which Apple shows to the user. */
export function applePage(error: string, detail: string): Refusal {
  return new Refusal(problemPage('Your request could not be completed', `${error}: ${detail}`), error);
}
