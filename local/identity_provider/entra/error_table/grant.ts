import { type ErrorRule, rule } from './rule.js';

/** Refusals of a user, a code, a refresh token or an assertion. */
export const GRANT_ERRORS = {
  mfaOnRefresh: rule(
    50076,
    'invalid_grant',
    "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
    { suberror: 'basic_action' },
  ),
  mfaInteraction: rule(
    50076,
    'interaction_required',
    "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
    { suberror: 'basic_action' },
  ),
  userDisabled: rule(50057, 'invalid_grant', 'The user account is disabled.'),
  userDeleted: rule(
    500341,
    'invalid_grant',
    'The user account {user} has been deleted from the {tenant} directory. To sign into this application, the account must be added to the directory.',
  ),
  userUnknown: rule(
    50034,
    'invalid_grant',
    'The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory.',
    { suberror: 'bad_token' },
  ),
  userNotInTenant: rule(
    50020,
    'invalid_grant',
    "User account from identity provider does not exist in tenant '{tenant}' and cannot access the application '{client}' in that tenant.",
  ),
  noSession: rule(50058, 'login_required', 'A silent sign-in request was sent but no user is signed in.'),
  disabledAtAuthorize: rule(50057, 'interaction_required', 'The user account is disabled.'),
  declined: rule(65004, 'access_denied', 'User declined to consent to access the app.'),
  grantMalformed: rule(9002313, 'invalid_grant', 'Invalid request. Request is malformed or invalid.'),
  grantForeign: rule(70000, 'invalid_grant', 'Provided grant is invalid or malformed.', {
    suberror: 'bad_token',
  }),
  codeExpired: rule(
    70008,
    'invalid_grant',
    'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  ),
  codeRedeemed: rule(
    54005,
    'invalid_grant',
    'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  ),
  codeOtherTenant: rule(
    700005,
    'invalid_grant',
    'Provided Authorization Code is intended to use against other tenant, thus rejected.',
  ),
  replyAddress: rule(
    500112,
    'invalid_client',
    'The reply address does not match the reply address provided when requesting Authorization code.',
  ),
  verifierWrong: rule(
    501481,
    'invalid_grant',
    'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  ),
  verifierMissing: rule(
    50148,
    'invalid_grant',
    'The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.',
  ),
  refreshExpired: rule(
    700082,
    'invalid_grant',
    'The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for {inactive}.',
  ),
  revoked: rule(
    50173,
    'invalid_grant',
    "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{validFrom}'.",
    { suberror: 'bad_token' },
  ),
  oboMalformed: rule(50027, 'invalid_request', 'JWT token is invalid or malformed.'),
  oboSignature: rule(50013, 'invalid_grant', 'Assertion failed signature validation.'),
  oboAudience: rule(
    500131,
    'invalid_grant',
    "Assertion audience does not match the Client app presenting the assertion. The expected audience is '{client}' or one of the Application Uris of this application. The downstream client must request a token for the expected audience (the application that made the OBO request) and this application should use that token as the assertion.",
  ),
  oboExpired: rule(
    500133,
    'invalid_grant',
    'Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token.',
  ),
  oboAppToken: rule(
    7000114,
    'invalid_grant',
    "Application '{client}' is not allowed to make application on-behalf-of calls.",
  ),
  oboIdToken: rule(
    240002,
    'invalid_grant',
    "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
  ),
} as const satisfies Record<string, ErrorRule>;
