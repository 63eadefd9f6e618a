import type { ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { listedScope, profileRules } from './profile.js';
import type { ProviderRules } from './rules.js';
import {
  DEAD,
  isTransport,
  OUR_REGISTRATION,
  OUR_REQUEST,
  TRANSIENT,
  USER,
  USER_DAILY,
  verdictOf,
} from './verdicts.js';

const DAY = 86_400;

/** What is left of a token's sixty days when it is exchanged for the next. One that has ended cannot be exchanged any more. */
export const EXCHANGE_WHEN_LEFT_SECONDS = 30 * DAY;

/** Facebook: no refresh token; an access token of about sixty days that is exchanged while it lives. */
export const facebook: ProviderRules = {
  ...profileRules,
  name: 'facebook',
  refreshKind: 'exchange',
  revocation: 'custom',
  limits: { renewBeforeSeconds: EXCHANGE_WHEN_LEFT_SECONDS },
  grantedScope: listedScope,
  classify,
};

const CHECKPOINT: ReadonlySet<number> = new Set([459, 464]);
const THROTTLED: ReadonlySet<number> = new Set([4, 17, 32, 341, 613]);
const TROUBLE: ReadonlySet<number> = new Set([1, 2]);
const TOKEN_REFUSED = 190;

const WORDS: Readonly<Record<string, Verdict>> = {
  /** Graph refused our own app token, whatever the user's. */
  app_refused: OUR_REGISTRATION,
  /** The token was issued to another app. */
  foreign_token: DEAD,
  token_invalid: DEAD,
};

/** Graph's errors: `codes` holds `code` and, where there is one, `error_subcode` (reference/identity-providers.md §8). */
function classify({ status, error, codes }: ProviderFailure): Verdict {
  const [code = 0, subcode = 0] = codes;
  if (isTransport(status) || THROTTLED.has(code)) return TRANSIENT;
  if (Object.hasOwn(WORDS, error)) return verdictOf(WORDS, error);
  if (TROUBLE.has(code)) return TRANSIENT;
  if (code === TOKEN_REFUSED) return CHECKPOINT.has(subcode) ? USER_DAILY : DEAD;
  if (code === 10 || (code >= 200 && code <= 299)) return USER;
  return code === 0 ? TRANSIENT : OUR_REQUEST;
}
