import { type ErrorRule, rule } from './rule.js';

/** Refusals at the authorization endpoint. */
export const AUTHORIZE_ERRORS = {
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
