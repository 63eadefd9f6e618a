import type { ProviderTokens } from '../../../shared/ports.js';

/** How a provider treats refresh tokens. `replayMs`: how long a spent single-use token is answered with its successor once more. */
export interface Manners {
  readonly rotation: 'none' | 'replace-keep-old' | 'single-use';
  readonly replayMs: number;
}

interface Issued {
  spentAt?: number;
  successor?: string;
}

/** The refresh tokens one provider has given one user: the truth that the broker's rows are held against. */
export interface StrictProvider {
  readonly first: string;
  /** The newest token that has not been spent. */
  head(): string;
  isSpent(token: string): boolean;
  /** A spent token was shown where the provider no longer forgives it: it has ended the whole family. */
  isRevoked(): boolean;
  /** Undefined: the token is refused. */
  redeem(token: string, now: number): Pick<ProviderTokens, 'accessToken' | 'refreshToken'> | undefined;
}

export function createStrictProvider({ rotation, replayMs }: Manners): StrictProvider {
  const issued = new Map<string, Issued>([['rt.0', {}]]);
  let count = 0;
  let head = 'rt.0';
  let revoked = false;
  const issue = (): string => {
    head = `rt.${++count}`;
    issued.set(head, {});
    return head;
  };
  const spend = (token: Issued, now: number): string | undefined => {
    if (token.successor === undefined) {
      token.spentAt = now;
      token.successor = issue();
      return token.successor;
    }
    const replays = now - (token.spentAt ?? 0) <= replayMs && token.successor === head;
    if (replays) return token.successor;
    revoked = true;
    return undefined;
  };
  return {
    first: head,
    head: () => head,
    isSpent: (token) => issued.get(token)?.successor !== undefined,
    isRevoked: () => revoked,
    redeem(token, now) {
      const known = issued.get(token);
      if (!known || revoked) return undefined;
      const accessToken = `at.${++count}`;
      if (rotation === 'none') return { accessToken };
      if (rotation === 'replace-keep-old') return { accessToken, refreshToken: issue() };
      const refreshToken = spend(known, now);
      return refreshToken === undefined ? undefined : { accessToken, refreshToken };
    },
  };
}
