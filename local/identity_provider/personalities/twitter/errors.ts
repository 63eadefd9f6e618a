import { jsonReply, type Reply, withHeaders } from '../../http/reply.js';
import { Refusal } from '../kit/refusal.js';

/** The causes of a refusal, with Twitter's status, code and words. */
const RULES = {
  authenticate: [401, 32, 'Could not authenticate you.'],
  suspended: [403, 64, 'Your account is suspended and is not permitted to access this feature.'],
  token: [401, 89, 'Invalid or expired token.'],
  timestamp: [401, 135, 'Timestamp out of bounds.'],
  badData: [400, 215, 'Bad Authentication data.'],
  locked: [
    403,
    326,
    'To protect our users from spam and other malicious activity, this account is temporarily locked.',
  ],
  callback: [
    403,
    415,
    'Callback URL not approved for this client application. Approved callback URLs can be adjusted in your application settings',
  ],
} as const satisfies Record<string, readonly [number, number, string]>;

export type TwitterCause = keyof typeof RULES;

/** A refusal in Twitter's shape. */
export function twitterRefusal(cause: TwitterCause): Refusal {
  const [status, code, message] = RULES[cause];
  return new Refusal(jsonReply(status, { errors: [{ code, message }] }), String(code));
}

/** Text or form-encoded fields, under the content type Twitter gives both. */
export function textReply(status: number, body: string): Reply {
  return { ...withHeaders(jsonReply(status, {}), { 'content-type': 'text/html;charset=utf-8' }), body };
}

/** A verifier that is not the one of this sign-in. */
export function verifierRefusal(): Refusal {
  const text = 'Error processing your OAuth request: Invalid oauth_verifier parameter';
  return new Refusal(textReply(401, text), 'verifier');
}
