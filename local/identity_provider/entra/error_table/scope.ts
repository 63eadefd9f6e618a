import { type ErrorRule, rule } from './rule.js';

/** Refusals of what is asked for: scopes, resources, consent. */
export const SCOPE_ERRORS = {
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
} as const satisfies Record<string, ErrorRule>;
