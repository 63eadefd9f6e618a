import { createClaims } from './claims.js';

/** The other processes of this gateway, as one of them sees them. */
export interface Peers {
  /** Tells them that a user's stored tokens changed; ends once all have forgotten what they remembered, or after a second. */
  changed(user: string): Promise<void>;
  /** Hears of changes that another process made. */
  onChange(forget: (user: string) => void): void;
  /** Whether nobody in this gateway has claimed `key` before; a claim holds until `until`, in milliseconds since 1970. */
  claim(key: string, until: number): Promise<boolean>;
}

/** A gateway of one process. */
export function createOwnPeers(now: () => number): Peers {
  const claims = createClaims(now);
  return {
    changed: async () => {},
    onChange: () => {},
    claim: async (key, until) => claims(key, until),
  };
}
