import type { Directory } from './directory/directory.js';
import type { Faults } from './faults.js';
import type { Log } from './log.js';
import type { RequestLog } from './request_log.js';
import type { Sealer } from './sealed.js';
import type { SigningKeys } from './signing_keys.js';
import type { StateStore } from './state.js';

/** What every personality stands on. A personality is a function from this to its routes. */
export type Core = Readonly<{
  /** Without a trailing slash. */
  baseUrl: string;
  /** Value a caller must send as `X-IDENTITY-HEADER` to the managed-identity endpoint. */
  identityHeader: string;
  directory: Directory;
  store: StateStore;
  keys: SigningKeys;
  sealer: Sealer;
  faults: Faults;
  requests: RequestLog;
  /** Milliseconds since the epoch. */
  now: () => number;
  log: Log;
}>;
