import type { ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { listedScope, profileRules } from './profile.js';
import type { ProviderRules } from './rules.js';
import {
  DEAD,
  isTransport,
  OUR_REGISTRATION,
  OUR_REQUEST,
  TRANSIENT,
  USER_DAILY,
  verdictOf,
} from './verdicts.js';

/** GitHub, an OAuth app: an access token without end and nothing to refresh. It dies after a year without use, or by the user's hand. */
export const github: ProviderRules = {
  ...profileRules,
  name: 'github',
  refreshKind: 'none',
  revocation: 'custom',
  limits: { inactivitySeconds: 365 * 86_400 },
  grantedScope: listedScope,
  classify,
};

/** GitHub's own words, which come under status 200 too, and ours for what its REST API says by status alone. */
const ERRORS: Readonly<Record<string, Verdict>> = {
  incorrect_client_credentials: OUR_REGISTRATION,
  bad_credentials: DEAD,
  token_not_found: DEAD,
  bad_refresh_token: DEAD,
  bad_verification_code: DEAD,
  /** A GitHub App's token: it ends within hours, and Easy Auth has no way to renew it. */
  expiring_token: DEAD,
  account_refused: USER_DAILY,
  rate_limited: TRANSIENT,
  unsupported_grant_type: OUR_REQUEST,
  redirect_uri_mismatch: OUR_REQUEST,
};

function classify({ status, error }: ProviderFailure): Verdict {
  return isTransport(status) ? TRANSIENT : verdictOf(ERRORS, error);
}
