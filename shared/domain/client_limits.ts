import type { Budget } from './budget.js';

/** How many tokens may be asked for; absent is without limit. */
export interface RateLimit {
  readonly perMinute?: number;
  readonly perDay?: number;
}

/** What a client may ask for, of each grant type by itself: one that is used up never stands in the way of another. */
export interface ClientLimits extends RateLimit {
  /** Stricter or wider for one grant type, member by member. */
  readonly grantTypes: ReadonlyMap<string, RateLimit>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Made by a user, one by one, to connect a service again: limiting it would stand in the way of recovering. */
const UNLIMITED = 'authorization_code';

export function limitOf(limits: ClientLimits, grantType: string): RateLimit {
  if (grantType === UNLIMITED) return {};
  const { perMinute, perDay } = limits;
  return {
    ...(perMinute === undefined ? {} : { perMinute }),
    ...(perDay === undefined ? {} : { perDay }),
    ...limits.grantTypes.get(grantType),
  };
}

/** The budgets one request spends of, the shortest first: a request that a minute refuses must not use up the day. */
export function budgetsOf(clientId: string, limits: ClientLimits, grantType: string): readonly Budget[] {
  const { perMinute, perDay } = limitOf(limits, grantType);
  const budget = (limit: number | undefined, windowMs: number): Budget[] =>
    limit === undefined ? [] : [{ name: `client:${clientId}:${grantType}`, limit, windowMs }];
  return [...budget(perMinute, MINUTE_MS), ...budget(perDay, DAY_MS)];
}
