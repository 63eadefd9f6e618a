import { type ErrorRule, rule } from './rule.js';

/** Refusals of a request as such, its tenant and its client. */
export const CLIENT_ERRORS = {
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
} as const satisfies Record<string, ErrorRule>;
