import { isRecord } from '../../config/reader.js';
import { ProviderError } from '../../errors.js';
import type { ProviderAnswer, ProviderHttp } from './provider_http.js';

/** A successful answer of a token endpoint (RFC 6749 §5.1). */
export interface TokenAnswer {
  readonly accessToken: string | undefined;
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** Of the old Microsoft account only. */
  readonly authenticationToken?: string | undefined;
  /** Seconds the access token lives. */
  readonly expiresIn: number | undefined;
}

export const noTokens: TokenAnswer = {
  accessToken: undefined,
  idToken: undefined,
  refreshToken: undefined,
  expiresIn: undefined,
};

const gatewayFaults = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'invalid_resource',
  'unsupported_grant_type',
  'incorrect_client_credentials',
  'redirect_uri_mismatch',
]);
const userFaults = new Set([
  'invalid_grant',
  'interaction_required',
  'login_required',
  'consent_required',
  'bad_verification_code',
]);

function codeOf(body: unknown): string | undefined {
  const code = isRecord(body) ? body.error : undefined;
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : undefined;
}

/** Turns a refusal into the three ways it can matter (RFC 6749 §5.2); descriptions are left out, they may name people. */
function failureOf({ status, body }: ProviderAnswer): ProviderError {
  const code = codeOf(body);
  const text = `the token endpoint answers ${status}${code === undefined ? '' : ` ${code}`}`;
  if (status === 429 || status === 408 || status >= 500) return new ProviderError('unreachable', text, code);
  if (code !== undefined && userFaults.has(code)) return new ProviderError('rejected', text, code);
  if (status === 401 || (code !== undefined && gatewayFaults.has(code)))
    return new ProviderError('misconfigured', text, code);
  return new ProviderError('unreachable', text, code);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}

/**
 * Redeems a grant at a token endpoint.
 * @throws ProviderError saying whether to try later, the user's credential is dead, or the gateway is refused
 */
export async function redeem(
  http: ProviderHttp,
  endpoint: string,
  form: URLSearchParams,
): Promise<TokenAnswer> {
  const answer = await http.post(endpoint, form);
  // GitHub refuses with a 200.
  if (answer.status !== 200 || !isRecord(answer.body) || codeOf(answer.body) !== undefined) {
    const failure = failureOf(answer);
    // The code came through the browser: one that is malformed is no fault of the gateway's configuration.
    const byBrowser = form.has('code') && failure.code === 'invalid_request';
    throw byBrowser ? new ProviderError('rejected', failure.message, failure.code) : failure;
  }
  const { access_token, id_token, refresh_token, authentication_token, expires_in } = answer.body;
  const seconds = Number(expires_in);
  return {
    accessToken: text(access_token),
    idToken: text(id_token),
    refreshToken: text(refresh_token),
    authenticationToken: text(authentication_token),
    expiresIn: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined,
  };
}
