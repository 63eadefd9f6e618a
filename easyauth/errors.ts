/** A configuration that cannot be used. `problems` lists every fault at once, each named by path or setting, never by value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(`Easy Auth cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** The Easy Auth substatus codes, as they appear in the log beside the HTTP status (`401.71`). */
export const substatus = {
  crossSiteRequestForgery: 60,
  sessionTimeout: 70,
  unauthenticated: 71,
  loggedOut: 72,
  loginProtocolError: 73,
  configurationError: 74,
  fragmentDataRequired: 75,
  authorizationCheckFailed: 76,
  providerTokenAccepted: 77,
  infiniteRedirectLoop: 78,
  internalModuleFailure: 79,
  refreshTokenUnavailable: 80,
  refreshTokenInvalid: 81,
  refreshTokenNotSupported: 82,
  invalidToken: 83,
} as const;

export type Substatus = (typeof substatus)[keyof typeof substatus];

/** A sign-in answer from the browser or the provider that cannot be accepted. `message` is for the log only and holds no token. */
export class LoginProtocolError extends Error {
  override readonly name = 'LoginProtocolError';
}

/** A client's own sign-in that lacks a member or holds one of the wrong type. `message` names the member and is shown. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}

/** A bearer or ID token that is not valid here. `message` is for the log only. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
}

export type ProviderFailure = 'unreachable' | 'rejected' | 'misconfigured';

/**
 * A call to the identity provider that brought no token. `unreachable`: try again later. `rejected`: the provider refused this
 * user's credential for good. `misconfigured`: the provider refuses the gateway itself; no user is at fault.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  constructor(
    readonly failure: ProviderFailure,
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

/** What an unknown thrown value says, in one line without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
