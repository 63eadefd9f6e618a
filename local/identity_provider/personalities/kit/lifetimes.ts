import type { Personality } from '../../directory/social.js';
import { DEFAULT_SETTINGS } from '../../knobs.js';
import type { Kit } from './kit.js';

const DAY = 24 * 3600;

/** Seconds, as each provider has them; undefined never expires. */
type Lifetimes = Readonly<{ code: number; access: number | undefined; refresh: number | undefined }>;

const OWN: Readonly<Record<Personality, Lifetimes>> = {
  google: { code: 600, access: 3599, refresh: 180 * DAY },
  /** `refresh` is that of an exchanged, long-lived token. */
  facebook: { code: 600, access: 3600, refresh: 5_183_944 },
  twitter: { code: 600, access: undefined, refresh: undefined },
  x2: { code: 30, access: 7200, refresh: 180 * DAY },
  /** Of apps whose tokens expire; others have tokens without end. */
  github: { code: 600, access: 28_800, refresh: 15_897_600 },
  apple: { code: 300, access: 3600, refresh: undefined },
};

/**
 * Lifetimes in seconds. A lifetime that was set through `/_admin/lifetimes` to something other than its default holds at
 * every personality; until then each has its own.
 */
export function lifetimesOf({ core }: Kit, personality: Personality): Lifetimes {
  const { accessTokenSeconds: access, refreshTokenSeconds: refresh } = core.store.read().settings;
  const own = OWN[personality];
  const chosen = (set: number, usual: number, mine: number | undefined): number | undefined =>
    set === usual || mine === undefined ? mine : set;
  return {
    code: own.code,
    access: chosen(access, DEFAULT_SETTINGS.accessTokenSeconds, own.access),
    refresh: chosen(refresh, DEFAULT_SETTINGS.refreshTokenSeconds, own.refresh),
  };
}

/** Seconds an ID token lives. */
export function idTokenSeconds({ core }: Kit): number {
  return core.store.read().settings.idTokenSeconds;
}
