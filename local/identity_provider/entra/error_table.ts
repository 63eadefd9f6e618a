/** One refusal: Entra's number, the OAuth error it travels under, and its text with `{named}` places. */
export type ErrorRule = Readonly<{
  code: number;
  error: string;
  status: number;
  suberror?: string;
  text: string;
}>;

const rule = (
  code: number,
  error: string,
  text: string,
  more: { status?: number; suberror?: string } = {},
): ErrorRule => ({
  code,
  error,
  status: error === 'invalid_client' ? 401 : 400,
  text,
  ...more,
});

/**
 * Every refusal of the Entra personality, by name. Numbers, errors and suberrors as seen at Entra where
 * `docs`-level evidence exists; where there is none, the error its description implies.
 */
export const ENTRA_ERRORS = {
  // Request
  missingParameter: rule(
    900144,
    'invalid_request',
    "The request body must contain the following parameter: '{name}'.",
  ),
  malformed: rule(9002313, 'invalid_request', 'Invalid request. Request is malformed or invalid.'),
  resourceParameter: rule(901002, 'invalid_request', "The 'resource' request parameter is not supported."),
  unsupportedGrant: rule(70003, 'unsupported_grant_type', 'The app requested an unsupported grant type.'),
  tenantNotFound: rule(
    90002,
    'invalid_request',
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
  ),
  singleTenantApp: rule(
    50194,
    'invalid_request',
    "Application '{client}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such applications. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
  ),
  grantNotOnCommon: rule(
    9001023,
    'invalid_request',
    'The grant type is not supported over the /common or /consumers endpoints. Please use a tenant-specific endpoint.',
  ),
  // Client
  appNotFound: rule(
    700016,
    'unauthorized_client',
    "Application with identifier '{client}' was not found in the directory '{tenant}'.",
  ),
  wrongSecret: rule(
    7000215,
    'invalid_client',
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'.",
  ),
  expiredSecret: rule(
    7000222,
    'invalid_client',
    "The provided client secret keys for app '{client}' are expired.",
  ),
  missingCredential: rule(
    7000218,
    'invalid_client',
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  ),
  publicClientCredential: rule(
    700025,
    'invalid_client',
    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  ),
  assertionMalformed: rule(50027, 'invalid_client', 'JWT token is invalid or malformed.'),
  assertionClient: rule(
    700021,
    'invalid_client',
    "Client assertion application identifier doesn't match 'client_id' parameter.",
  ),
  assertionAudience: rule(
    700023,
    'invalid_client',
    'Client assertion audience claim does not match Realm issuer.',
  ),
  assertionTime: rule(700024, 'invalid_client', 'Client assertion is not within its valid time range.'),
  assertionSignature: rule(700027, 'invalid_client', 'Client assertion failed signature validation.'),
  federatedSubject: rule(
    700213,
    'invalid_client',
    'No matching federated identity record found for presented assertion subject.',
  ),
  federatedAudience: rule(
    700212,
    'invalid_client',
    'No matching federated identity record found for presented assertion audience.',
  ),
  // Scope and resource
  scopeInvalid: rule(
    70011,
    'invalid_scope',
    "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.",
  ),
  scopeUnknown: rule(
    28002,
    'invalid_scope',
    "Provided value for scope '{scope}' is not valid when requesting an access token. Please specify a valid scope.",
  ),
  scopeEmpty: rule(
    28003,
    'invalid_scope',
    "Provided value for the input parameter scope can't be empty when requesting an access token using the provided authorization code. Please specify a valid scope.",
  ),
  scopeManyResources: rule(
    700022,
    'invalid_scope',
    'The provided value for the input parameter scope is not valid because it contains more than one resource.',
  ),
  scopeNotDefault: rule(
    1002012,
    'invalid_scope',
    'The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
  ),
  scopeNotOnResource: rule(
    650053,
    'invalid_client',
    "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor.",
  ),
  resourceNotFound: rule(
    500011,
    'invalid_resource',
    'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.',
  ),
  consentRequired: rule(
    65001,
    'invalid_grant',
    "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an interactive authorization request for this user and resource.",
    { suberror: 'consent_required' },
  ),
  consentAtAuthorize: rule(
    65001,
    'consent_required',
    "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an interactive authorization request for this user and resource.",
  ),
  // User
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
  // Codes and refresh tokens
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
  // On behalf of
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
  // Authorize
  redirectUri: rule(
    50011,
    'invalid_request',
    "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application '{client}'.",
  ),
  responseType: rule(70005, 'unsupported_response_type', 'The app returned an unsupported response type.'),
  tokenResponseType: rule(
    700051,
    'unsupported_response_type',
    "response_type 'token' is not enabled for the application.",
  ),
  responseMode: rule(
    70007,
    'invalid_request',
    "'{mode}' is not a supported value of 'response_mode' when requesting a token.",
  ),
  promptInvalid: rule(90023, 'invalid_request', "The 'prompt' parameter is not valid."),
  challengeInvalid: rule(50147, 'invalid_request', 'Invalid size or method of Code_Challenge parameter.'),
  requestObject: rule(
    90023,
    'request_not_supported',
    "The 'request' and 'request_uri' parameters are not supported.",
  ),
  foreignSignIn: rule(
    90023,
    'invalid_request',
    'The sign-in form was not sent from this page, or is too old. Start again from the application.',
  ),
} as const satisfies Record<string, ErrorRule>;

export type ErrorName = keyof typeof ENTRA_ERRORS;
