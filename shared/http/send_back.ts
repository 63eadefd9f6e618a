import type { HttpResponseInit } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import type { AuthorizationTarget } from '../flows/authorization_request.js';

/** What a refusal is called on the way back (RFC 6749 §4.1.2.1); those that are not here are the user's alone to see. */
const SENT_BACK: Readonly<Partial<Record<Refusal['code'], string>>> = {
  invalid_request: 'invalid_request',
  unauthorized_client: 'unauthorized_client',
  access_denied: 'access_denied',
  unsupported_response_type: 'unsupported_response_type',
  invalid_scope: 'invalid_scope',
  invalid_target: 'invalid_target',
  invalid_authorization_details: 'invalid_authorization_details',
  temporarily_unavailable: 'temporarily_unavailable',
  conflict: 'temporarily_unavailable',
  invalid_parameter: 'invalid_request',
  credential_rejected: 'access_denied',
  identity_mismatch: 'access_denied',
  refresh_token_missing: 'server_error',
};

/** The parameters of a refusal on its way back. @throws what it is given, where that is not the client's to know */
export function refusalParameters(error: unknown): Readonly<Record<string, string>> {
  const sent = error instanceof Refusal ? SENT_BACK[error.code] : undefined;
  if (!(error instanceof Refusal) || sent === undefined) throw error;
  return { error: sent, error_description: error.description.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?') };
}

/** The registered address stays as it is written, its own query included; `iss` says who answers (RFC 9207). */
export function sendBack(
  issuer: string,
  { redirectUri, state }: AuthorizationTarget,
  parameters: Readonly<Record<string, string>>,
): HttpResponseInit {
  const answer = new URLSearchParams(parameters);
  if (state !== undefined) answer.set('state', state);
  answer.set('iss', issuer);
  return redirect(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${answer}`);
}

/** 303: whatever was posted is not posted on (RFC 9700 §4.12). */
export function redirect(location: string): HttpResponseInit {
  return { status: 303, headers: { Location: location, 'Referrer-Policy': 'no-referrer' } };
}
