import { headerOf, type Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply, withHeaders } from '../../http/reply.js';
import { Refusal } from '../kit/refusal.js';

const DOCS = 'https://docs.github.com';
const TROUBLE = `${DOCS}/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/`;

/** The causes of a refusal at GitHub's token endpoint. */
const RULES = {
  client: [
    'incorrect_client_credentials',
    'The client_id and/or client_secret passed are incorrect.',
    '#incorrect-client-credentials',
  ],
  redirect: [
    'redirect_uri_mismatch',
    'The redirect_uri MUST match the registered callback URL for this application.',
    '#redirect-uri-mismatch2',
  ],
  code: ['bad_verification_code', 'The code passed is incorrect or expired.', '#bad-verification-code'],
  refresh: ['bad_refresh_token', 'The refresh token passed is incorrect or expired.', '#bad-refresh-token'],
  grantType: ['unsupported_grant_type', 'The grant type passed is not supported.', '#unsupported-grant-type'],
  repeated: ['invalid_request', 'A parameter was given more than once.', '#invalid-request'],
} as const satisfies Record<string, readonly [string, string, string]>;

export type GitHubCause = keyof typeof RULES;

/** Fields in the form the caller accepts: form-encoded unless JSON is asked for. */
export function tokenReply(incoming: Incoming, fields: Readonly<Record<string, string | number>>): Reply {
  if ((headerOf(incoming, 'accept') ?? '').includes('json')) return jsonReply(200, fields);
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  const body = new URLSearchParams(Object.fromEntries(texts)).toString();
  const type = 'application/x-www-form-urlencoded; charset=utf-8';
  return { ...withHeaders(jsonReply(200, {}), { 'content-type': type }), body };
}

/** A refusal of the token endpoint: status 200 with `error` in the body, as at GitHub. */
export function githubRefusal(incoming: Incoming, cause: GitHubCause): Refusal {
  const [error, description, anchor] = RULES[cause];
  const fields = { error, error_description: description, error_uri: `${TROUBLE}${anchor}` };
  return new Refusal(tokenReply(incoming, fields), error);
}

/** A refusal of the REST API. */
export function apiRefusal(status: number, message: string): Refusal {
  const body = { message, documentation_url: `${DOCS}/rest`, status: String(status) };
  return new Refusal(jsonReply(status, body), message);
}
