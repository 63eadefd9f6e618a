import { jsonReply } from '../../http/reply.js';
import { Refusal } from '../kit/refusal.js';

/** The causes of a refusal at X's token endpoint: nearly all are `invalid_request`, told apart by words only. */
const RULES = {
  client: [401, 'unauthorized_client', 'Missing valid authorization header'],
  clientId: [400, 'invalid_request', 'Missing required parameter [client_id].'],
  repeated: [400, 'invalid_request', 'A parameter was given more than once.'],
  grantMissing: [400, 'invalid_request', 'Missing required parameter [grant_type].'],
  grantType: [400, 'unsupported_grant_type', 'Value passed for the grant type was invalid.'],
  codeMissing: [400, 'invalid_request', 'Missing required parameter [code].'],
  redirectMissing: [400, 'invalid_request', 'Missing required parameter [redirect_uri].'],
  verifierMissing: [400, 'invalid_request', 'Missing required parameter [code_verifier].'],
  refreshMissing: [400, 'invalid_request', 'Missing required parameter [refresh_token].'],
  tokenMissing: [400, 'invalid_request', 'Missing required parameter [token].'],
  code: [400, 'invalid_request', 'Value passed for the authorization code was invalid.'],
  redirect: [
    400,
    'invalid_request',
    'Value passed for the redirect uri did not match the uri of the authorization code.',
  ],
  verifier: [400, 'invalid_request', 'Value passed for the code verifier did not match the code challenge.'],
  token: [400, 'invalid_request', 'Value passed for the token was invalid.'],
} as const satisfies Record<string, readonly [number, string, string]>;

export type XCause = keyof typeof RULES;

/** A refusal in X's words. */
export function xRefusal(cause: XCause): Refusal {
  const [status, error, description] = RULES[cause];
  return new Refusal(jsonReply(status, { error, error_description: description }), `${error}:${cause}`);
}

/** A refusal of the API (RFC 9457 shaped, as X does). */
export function xProblem(status: 401 | 403): Refusal {
  const title = status === 401 ? 'Unauthorized' : 'Forbidden';
  const type = 'about:blank';
  return new Refusal(
    jsonReply(status, { title, type, status, detail: title }, { 'content-type': 'application/problem+json' }),
    title,
  );
}
