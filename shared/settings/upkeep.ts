import { expiryDate } from '../domain/expiry_date.js';
import { longestGapSeconds } from '../domain/ncrontab.js';
import type { ProviderRates } from '../domain/provider_rate.js';
import type { Patience } from '../domain/reap.js';
import { type Environment, isSafeAddress, type Reader } from './reader.js';

/** Where operators' systems are told of things. */
export interface EventSettings {
  readonly webhook?: { readonly url: string; readonly secrets: readonly string[] };
  readonly grid?: { readonly endpoint: string; readonly key?: string };
}

/** All that runs unattended. */
export interface UpkeepSettings {
  readonly refreshWindowSeconds: number;
  /** The longest time between two runs of the refresh timer. */
  readonly refreshPeriodSeconds: number;
  readonly livenessSeconds: number;
  readonly providerRates: ProviderRates;
  /** Calls to one provider under way at once, on each instance. */
  readonly providerConcurrency: number;
  readonly patience: Patience;
  /** How long rows of the failure log are kept, days; 0 keeps them for ever. */
  readonly failuresKeptDays: number;
  /** How long rows and messages stay in quarantine, days; 0 keeps them for ever. */
  readonly quarantineKeptDays: number;
  readonly events: EventSettings;
  /** When the secret or certificate of a provider's app registration ends, by the provider's name, ms. */
  readonly secretsExpireAt?: Readonly<Record<string, number>>;
}

export function readUpkeep(env: Environment, read: Reader, problems: string[]): UpkeepSettings {
  const expiries = readExpiries(env, problems);
  const settings: UpkeepSettings = {
    refreshWindowSeconds: read.number('BROKER_REFRESH_WINDOW_SECONDS', {
      least: 1,
      most: 86_400,
      preset: 600,
    }),
    refreshPeriodSeconds: readRefreshPeriod(read, problems),
    livenessSeconds: read.number('BROKER_LIVENESS_SECONDS', { least: 1, most: 2_592_000, preset: 21_600 }),
    providerRates: readRates(env, read, problems),
    providerConcurrency: read.number('BROKER_PROVIDER_CONCURRENCY', { least: 1, most: 1000, preset: 64 }),
    patience: readPatience(read),
    failuresKeptDays: days(read, 'BROKER_FAILURES_KEPT_DAYS', 90),
    quarantineKeptDays: days(read, 'BROKER_QUARANTINE_KEPT_DAYS', 30),
    events: readEvents(env, problems),
    ...(Object.keys(expiries).length === 0 ? {} : { secretsExpireAt: expiries }),
  };
  checkWindow(settings, problems);
  return settings;
}

function days(read: Reader, name: string, preset: number): number {
  return read.number(name, { least: 0, most: 3650, preset });
}

function readPatience(read: Reader): Patience {
  return {
    endedDays: days(read, 'BROKER_REAP_ENDED_DAYS', 30),
    deadDays: days(read, 'BROKER_REAP_DEAD_DAYS', 30),
    grantDays: days(read, 'BROKER_REAP_GRANT_DAYS', 30),
    idleDays: days(read, 'BROKER_REAP_IDLE_DAYS', 90),
    unreachableDays: days(read, 'BROKER_REAP_UNREACHABLE_DAYS', 90),
  };
}

const BUILT_IN = ['aad', 'google', 'facebook', 'twitter', 'github'];

/** When each provider's secret ends, by the provider's name, where a setting says so. */
function readExpiries(env: Environment, problems: string[]): Readonly<Record<string, number>> {
  const custom = (env.BROKER_OIDC_PROVIDERS ?? '').split(',').map((name) => name.trim().toLowerCase());
  const settings = [
    ...BUILT_IN.map((name) => [name, name.toUpperCase()] as const),
    ...custom.filter(Boolean).map((name) => [name, `OIDC_${name.toUpperCase()}`] as const),
  ];
  const found = settings.flatMap(([name, prefix]): [string, number][] => {
    const setting = `BROKER_${prefix}_CLIENT_SECRET_EXPIRES`;
    const text = env[setting];
    if (!text) return [];
    const at = expiryDate(text);
    if (at === undefined) problems.push(`${setting} must be a date such as 2027-01-31`);
    return at === undefined ? [] : [[name, at]];
  });
  return Object.fromEntries(found);
}

/** Short keys are guessed. */
const LEAST_SECRET = 24;

function readEvents(env: Environment, problems: string[]): EventSettings {
  const { BROKER_EVENTS_WEBHOOK_URL: url, BROKER_EVENTS_GRID_ENDPOINT: endpoint } = env;
  const key = env.BROKER_EVENTS_GRID_KEY;
  const secrets = (env.BROKER_EVENTS_WEBHOOK_SECRET ?? '').split(/[\s,]+/).filter(Boolean);
  if (url && !isSafeAddress(url)) problems.push('BROKER_EVENTS_WEBHOOK_URL must be an https address');
  if (url && (secrets.length === 0 || secrets.some((secret) => secret.length < LEAST_SECRET))) {
    problems.push(
      `BROKER_EVENTS_WEBHOOK_SECRET must be one or two secrets of at least ${LEAST_SECRET} characters`,
    );
  }
  if (endpoint && !isSafeAddress(endpoint)) {
    problems.push('BROKER_EVENTS_GRID_ENDPOINT must be an https address');
  }
  return {
    ...(url ? { webhook: { url, secrets } } : {}),
    ...(endpoint ? { grid: { endpoint, ...(key ? { key } : {}) } } : {}),
  };
}

const RATE = /^([a-z0-9][a-z0-9_-]*)=([0-9]{1,6})$/i;

function readRates(env: Environment, read: Reader, problems: string[]): ProviderRates {
  const preset = read.number('BROKER_PROVIDER_RATE_PER_SECOND', { least: 1, most: 100_000, preset: 100 });
  const named = (env.BROKER_PROVIDER_RATES ?? '').split(',').map((text) => text.trim());
  const rates = named.filter((text) => text !== '').map((text) => RATE.exec(text));
  const byName = rates.flatMap((match) =>
    match && Number(match[2]) > 0 ? [[match[1] ?? '', Number(match[2])]] : [],
  );
  if (byName.length < rates.length) {
    problems.push('BROKER_PROVIDER_RATES must be a list such as aad=300,google=20, each at least 1');
  }
  return { preset, byName: Object.fromEntries(byName) };
}

function readRefreshPeriod(read: Reader, problems: string[]): number {
  const schedule = read.required('BROKER_REFRESH_SCHEDULE');
  const period = longestGapSeconds(schedule);
  if (period === undefined && schedule !== '') {
    problems.push(
      'BROKER_REFRESH_SCHEDULE must be an NCRONTAB expression of six fields, such as 0 * * * * *',
    );
  }
  return period ?? 0;
}

/** A run of the timer may be missed: a token must then still be found before its end. */
function checkWindow(settings: UpkeepSettings, problems: string[]): void {
  const { refreshWindowSeconds, refreshPeriodSeconds } = settings;
  if (refreshWindowSeconds >= 1 && refreshWindowSeconds < 2 * refreshPeriodSeconds) {
    problems.push(
      'BROKER_REFRESH_WINDOW_SECONDS must be at least twice the period of BROKER_REFRESH_SCHEDULE',
    );
  }
}
