import { AUTHORIZE_ERRORS } from './error_table/authorize.js';
import { CLIENT_ERRORS } from './error_table/client.js';
import { GRANT_ERRORS } from './error_table/grant.js';
import type { ErrorRule } from './error_table/rule.js';
import { SCOPE_ERRORS } from './error_table/scope.js';

export type { ErrorRule };

/**
 * Every refusal of the Entra personality, by name. Numbers, errors and suberrors are those seen at Entra where any were
 * seen; elsewhere the error that the number's description implies.
 */
export const ENTRA_ERRORS = {
  ...CLIENT_ERRORS,
  ...SCOPE_ERRORS,
  ...GRANT_ERRORS,
  ...AUTHORIZE_ERRORS,
} as const satisfies Record<string, ErrorRule>;

export type ErrorName = keyof typeof ENTRA_ERRORS;
