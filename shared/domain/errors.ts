/**
 * Every refusal the broker can give, as a closed union. The HTTP status is a property of the code, so two places
 * cannot disagree about it. OAuth codes are those of RFC 6749 §4.1.2.1 and §5.2, RFC 8693 §2.2.2, RFC 8707 §2, RFC 9396 §5, RFC 9449 §5, §8 and
 * OpenID Connect Core §3.1.2.6 (`interaction_required`).
 */
const STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  interaction_required: 400,
  invalid_authorization_details: 400,
  access_denied: 403,
  unsupported_response_type: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  rate_limited: 429,
  temporarily_unavailable: 503,
  server_error: 500,
  invalid_parameter: 400,
  unauthenticated: 401,
  forbidden: 403,
  cross_site_request: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  refresh_token_missing: 422,
  credential_rejected: 422,
  identity_mismatch: 422,
  easy_auth_off: 503,
  not_configured: 503,
} as const;

export type ErrorCode = keyof typeof STATUS;

export interface RefusalDetails {
  /** Told to the caller: names the parameter, never its value. */
  readonly description: string;
  /** Told to the audit and the log only. Never a token or a secret. */
  readonly reason?: string;
  /** What decided, by its place in the policy document: for operators only. */
  readonly rule?: string;
  /** Overrides the code's own status, for RFC 6749 codes carried by 405, 413 and 415. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further public members of the answer. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A request that was understood and turned down. Anything else that is thrown is a fault of ours. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly description: string;
  readonly reason: string;
  readonly rule: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, details: RefusalDetails) {
    super(`${code}: ${details.description}`, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'Refusal';
    this.code = code;
    this.status = details.status ?? STATUS[code];
    this.description = details.description;
    this.reason = details.reason ?? details.description;
    this.rule = details.rule;
    this.headers = details.headers ?? {};
    this.members = details.members ?? {};
  }
}

/** The same refusal, telling the caller more. */
export function refusalWith(refusal: Refusal, members: Readonly<Record<string, unknown>>): Refusal {
  const { code, status, description, reason, rule, headers, cause } = refusal;
  return new Refusal(code, {
    ...{ status, description, reason, headers, cause },
    ...(rule === undefined ? {} : { rule }),
    members: { ...refusal.members, ...members },
  });
}

/**
 * 503 with `Retry-After` in whole seconds, at least one (RFC 9110 §10.2.3).
 * @param why the error behind it, or, in words for the audit and the log, the reason
 */
export function unavailable(description: string, retryAfterSeconds: number, why?: unknown): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds));
  return new Refusal('temporarily_unavailable', {
    description,
    headers: { 'Retry-After': String(seconds) },
    ...(typeof why === 'string' ? { reason: why } : { cause: why }),
  });
}

/** What a client is told whose user's connection is over, whichever way that was noticed. */
export function grantDead(reason = 'no live connection'): Refusal {
  return new Refusal('invalid_grant', {
    description: "the user's connection has ended: the user has to sign in and connect again",
    reason,
  });
}

/** What storage will not take, however often it is offered: too large, or of a form it does not know. */
export class Unstorable extends Error {
  constructor(what: string, cause?: unknown) {
    super(what, cause === undefined ? {} : { cause });
    this.name = 'Unstorable';
  }
}

/** A row, key or document that is there but cannot be read. Never to be treated as absent. */
export class Unreadable extends Error {
  constructor(what: string, cause?: unknown) {
    super(what, cause === undefined ? {} : { cause });
    this.name = 'Unreadable';
  }
}
