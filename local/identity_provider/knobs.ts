/** What can be done to one user, as at an admin's desk. */
export const USER_ACTIONS = [
  'revoke',
  'disable',
  'enable',
  'require-mfa',
  'satisfy-mfa',
  'expire',
  'delete',
  'restore',
] as const;
export type UserAction = (typeof USER_ACTIONS)[number];

/** Times are milliseconds since the epoch; what was issued at or before them is over. */
export type UserKnobs = Readonly<{
  disabled?: boolean;
  deleted?: boolean;
  /** `required`: only sign-ins that included a second factor count. `satisfied`: every sign-in counts as one. */
  mfa?: 'required' | 'satisfied';
  revokedAt?: number;
  expiredAt?: number;
}>;

export type Settings = Readonly<{
  accessTokenSeconds: number;
  idTokenSeconds: number;
  /** Time without use after which a refresh token has expired. */
  refreshTokenSeconds: number;
  /** Whether tokens hold only the scopes asked for. Off, as at Entra: they hold all that are consented. */
  narrowing: boolean;
}>;

export const DEFAULT_SETTINGS: Settings = {
  accessTokenSeconds: 3600,
  idTokenSeconds: 3600,
  refreshTokenSeconds: 90 * 24 * 3600,
  narrowing: false,
};

const CHANGES: Readonly<Record<UserAction, (now: number) => UserKnobs>> = {
  revoke: (now) => ({ revokedAt: now }),
  disable: () => ({ disabled: true }),
  enable: () => ({ disabled: false }),
  'require-mfa': () => ({ mfa: 'required' }),
  'satisfy-mfa': () => ({ mfa: 'satisfied' }),
  expire: (now) => ({ expiredAt: now }),
  delete: () => ({ deleted: true }),
  restore: () => ({ deleted: false }),
};

/** One user's knobs after an action at `now`. An event reaches all that was issued before it, within one millisecond too. */
export function applyAction(knobs: UserKnobs, action: UserAction, now: number): UserKnobs {
  return { ...knobs, ...CHANGES[action](issueTime(knobs, now)) };
}

/** Knobs back to normal. What was revoked or expired stays so: those are events, not settings. */
export function resetKnobs({ revokedAt, expiredAt }: UserKnobs): UserKnobs {
  return {
    ...(revokedAt === undefined ? {} : { revokedAt }),
    ...(expiredAt === undefined ? {} : { expiredAt }),
  };
}

/**
 * The issue time to write into a credential at `now`: never at or before an earlier revocation or expiry, so that a
 * sign-in within the same millisecond is not taken for an old one.
 */
export function issueTime(knobs: UserKnobs, now: number): number {
  return Math.max(now, (knobs.revokedAt ?? 0) + 1, (knobs.expiredAt ?? 0) + 1);
}
