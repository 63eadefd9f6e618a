import { randomBytes } from 'node:crypto';
import { jsonReply } from '../../http/reply.js';
import { Refusal } from '../kit/refusal.js';
import type { TokenFacts, TokenProblem } from '../kit/tokens.js';

/** A Graph error. Codes and subcodes are what apps go by; messages are for people. */
export type GraphError = Readonly<{
  message: string;
  type: 'OAuthException' | 'GraphMethodException';
  code: number;
  error_subcode?: number;
}>;

const oauth = (code: number, message: string, subcode?: number): GraphError => ({
  message,
  type: 'OAuthException',
  code,
  ...(subcode === undefined ? {} : { error_subcode: subcode }),
});

/** The causes of a refusal that are not about an access token. */
const RULES = {
  unknownApp: oauth(101, 'Error validating application. Cannot get application info due to a system error.'),
  wrongSecret: oauth(1, 'Error validating client secret.'),
  missingRedirect: oauth(100, 'Missing redirect_uri parameter.'),
  missingCode: oauth(100, 'Missing authorization code'),
  malformedCode: oauth(100, 'Invalid verification code format.'),
  usedCode: oauth(100, 'This authorization code has been used.', 36009),
  expiredCode: oauth(100, 'This authorization code has expired.', 36007),
  redirect: oauth(
    100,
    'Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request',
    36008,
  ),
  verifier: oauth(100, 'Invalid code_verifier parameter.'),
  grantType: oauth(100, 'Unsupported grant_type.'),
  missingExchange: oauth(100, 'fb_exchange_token parameter not specified'),
  missingToken: oauth(
    2500,
    'An active access token must be used to query information about the current user.',
  ),
  unparsable: oauth(190, 'Invalid OAuth access token - Cannot parse access token'),
  otherApp: oauth(190, 'Error validating access token: The token belongs to another application.'),
  unknownPath: oauth(2500, 'Unknown path components.'),
  inputToken: oauth(100, '(#100) The parameter input_token is required'),
  notAppToken: oauth(
    100,
    '(#100) You must provide an app access token, or a user access token that is an owner or developer of the app',
  ),
  otherUser: oauth(10, '(#10) Application does not have permission for this action'),
  proofMissing: {
    message: 'API calls from the server require an appsecret_proof argument',
    type: 'GraphMethodException',
    code: 100,
  },
  proofWrong: {
    message: 'Invalid appsecret_proof provided in the API argument',
    type: 'GraphMethodException',
    code: 100,
  },
} as const satisfies Record<string, GraphError>;

export type FacebookCause = keyof typeof RULES;

const SUBCODES: Readonly<Record<Exclude<TokenProblem, 'malformed' | 'expired'>, readonly [number, string]>> =
  {
    removed: [458, 'The user has not authorized the application.'],
    reauthenticate: [
      459,
      'You cannot access the app till you log in to www.facebook.com and follow the instructions given.',
    ],
    revoked: [
      460,
      'The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.',
    ],
    disabled: [464, 'Sessions for the user are not allowed because the user is not a confirmed user.'],
    deleted: [467, 'This may be because the user logged out or may be due to a system error.'],
    superseded: [467, 'This may be because the user logged out or may be due to a system error.'],
  };

/** Why an access token is refused: code 190 with its subcode. */
export function tokenError(problem: TokenProblem, facts: TokenFacts | undefined, now: number): GraphError {
  if (problem === 'malformed') return RULES.unparsable;
  if (problem !== 'expired') {
    const [subcode, why] = SUBCODES[problem];
    return oauth(190, `Error validating access token: ${why}`, subcode);
  }
  const time = (ms: number): string => new Date(ms).toUTCString();
  const ended = time(Math.min(facts?.expires ?? now, now));
  const why = `Session has expired on ${ended}. The current time is ${time(now)}.`;
  return oauth(190, `Error validating access token: ${why}`, 463);
}

/** The body every Graph error has. */
export function graphBody(error: GraphError): object {
  return { error: { ...error, fbtrace_id: randomBytes(8).toString('base64url') } };
}

/** The status a Graph error comes with: permissions and limits are 403, Facebook's own trouble 500. */
export function graphStatus(code: number): number {
  if (code === 1 || code === 2) return 500;
  const forbids = [4, 10, 17, 32, 341].includes(code) || (code >= 200 && code <= 299);
  return forbids ? 403 : 400;
}

/** A refusal in Graph's shape. A wrong app secret has code 1 too, but is the caller's fault. */
export function graphRefusal(error: GraphError): Refusal {
  const kind = error.code === 190 ? 'invalid_token' : 'invalid_request';
  const challenge = `OAuth "Facebook Platform" "${kind}" "${error.message}"`;
  const outcome =
    error.error_subcode === undefined ? `${error.code}` : `${error.code}/${error.error_subcode}`;
  const status = error.code === 1 ? 400 : graphStatus(error.code);
  return new Refusal(jsonReply(status, graphBody(error), { 'www-authenticate': challenge }), outcome);
}

/** A refusal for one of the known causes. */
export function facebookRefusal(cause: FacebookCause): Refusal {
  return graphRefusal(RULES[cause]);
}

/** A field that users do not have. */
export function unknownField(name: string): Refusal {
  const shown = name.replace(/[^\w.]/g, '?').slice(0, 40);
  return graphRefusal(oauth(100, `(#100) Tried accessing nonexisting field (${shown}) on node type (User)`));
}
