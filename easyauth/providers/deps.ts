import type { ClaimStyle } from '../identity/claim_types.js';
import type { Log } from '../log.js';
import type { ProviderHttp } from './openid/provider_http.js';

/** What every provider is built with. `now` is milliseconds since 1970. */
export interface ProviderDeps {
  readonly claimStyle: ClaimStyle;
  readonly strictOverwrite: boolean;
  readonly http: ProviderHttp;
  readonly now: () => number;
  readonly log: Log;
}
