import type { ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { listedScope, profileRules } from './profile.js';
import type { ProviderRules } from './rules.js';
import { DEAD, isTransport, OUR_REGISTRATION, OUR_REQUEST, TRANSIENT, USER_DAILY } from './verdicts.js';

/** X, by OAuth 1.0a as Easy Auth does it: a token and its secret, without end and with nothing to refresh. */
export const twitter: ProviderRules = {
  ...profileRules,
  name: 'twitter',
  refreshKind: 'none',
  tokenSecret: true,
  revocation: 'custom',
  limits: {},
  grantedScope: listedScope,
  classify,
};

const ACCOUNT_LOCKED: ReadonlySet<number> = new Set([63, 64, 326]);
const APP_REFUSED: ReadonlySet<number> = new Set([416, 453]);
const RATE_LIMITED = 88;
const TOKEN_INVALID = 89;

/**
 * X's numbers. 32 is a signature that does not fit: it may be the app's secret or this one user's, so nobody's state changes and no other
 * user waits for it.
 */
function classify({ status, codes }: ProviderFailure): Verdict {
  const has = (among: ReadonlySet<number>) => codes.some((code) => among.has(code));
  if (isTransport(status) || codes.includes(RATE_LIMITED)) return TRANSIENT;
  if (has(APP_REFUSED)) return OUR_REGISTRATION;
  if (has(ACCOUNT_LOCKED)) return USER_DAILY;
  if (codes.includes(TOKEN_INVALID)) return DEAD;
  return codes.length === 0 ? TRANSIENT : OUR_REQUEST;
}
