import type { KeptToken } from '../../shared/domain/connection.js';
import { targetDueAt } from '../../shared/domain/schedule.js';
import { createChance } from './chance.js';

/** What is simulated: everybody signs in within the first hour, and then it runs for a day. Times in seconds unless they say ms. */
export interface DayOptions {
  readonly users: number;
  readonly seed: number;
  /** How signing in is spread over the hour, as a share of it: 0 is its beginning. */
  readonly arrival: (chance: () => number) => number;
  /** The provider's: how long a token lives. */
  readonly tokenLife: { readonly least: number; readonly most: number };
  readonly windowSeconds: number;
  /** Of the timer. */
  readonly periodSeconds: number;
  /** Handed out by one run of the timer, at most. */
  readonly tickAllowance: number;
  /** Provider calls of the timer's work, all instances together, in each window. */
  readonly budget: { readonly limit: number; readonly windowSeconds: number };
  /** Refreshes a second that all workers together manage. */
  readonly workers: number;
}

export interface Day {
  /** Provider calls in each second since the first sign-in, those of enrolment left out. */
  readonly calls: Uint32Array;
  readonly refreshes: number;
  /** Tokens that ended before they were refreshed. */
  readonly expired: number;
  /** The least life a token had left when it was refreshed. */
  readonly leastLeft: number;
  readonly ticks: { readonly count: number; readonly most: number; readonly full: number };
}

export const DAY = 86_400;
const HOUR = 3600;
const TARGET = { resource: 'https://graph.example', scope: ['Mail.Read'] };

/**
 * A day of the refresh engine in virtual time: the broker's own scheduling code says when each token is due; timer, queue, workers and
 * provider are modelled by their limits.
 */
export function simulateDay(options: DayOptions): Day {
  const chance = createChance(options.seed);
  const due = createDueMinutes(options);
  const users = enrol(options, chance, due);
  const calls = new Uint32Array(DAY);
  const spend = createBudget(options.budget);
  const gap = 1 / options.workers;
  let [refreshes, expired, leastLeft, free] = [0, 0, Number.POSITIVE_INFINITY, 0];
  const ticks = { count: 0, most: 0, full: 0 };
  for (let tick = options.periodSeconds; tick < DAY; tick += options.periodSeconds) {
    const taken = due.take(tick, options.tickAllowance);
    ticks.count += 1;
    ticks.most = Math.max(ticks.most, taken.length);
    if (taken.length === options.tickAllowance) ticks.full += 1;
    free = Math.max(free, tick);
    for (const user of taken) {
      const at = spend(free);
      free = at + gap;
      if (at >= DAY) break;
      const left = (users.expiresAt[user] ?? 0) - at;
      leastLeft = Math.min(leastLeft, left);
      if (left < 0) expired += 1;
      refreshes += 1;
      const second = Math.floor(at);
      calls[second] = (calls[second] ?? 0) + 1;
      users.renew(user, at);
    }
  }
  return { calls, refreshes, expired, leastLeft, ticks };
}

interface Users {
  readonly expiresAt: Float64Array;
  renew(user: number, at: number): void;
}

function enrol(options: DayOptions, chance: () => number, due: DueMinutes): Users {
  const expiresAt = new Float64Array(options.users);
  const { least, most } = options.tokenLife;
  const renew = (user: number, at: number): void => {
    const until = at + least + chance() * (most - least);
    expiresAt[user] = until;
    due.put(user, dueAt(user, { at, until, windowSeconds: options.windowSeconds }));
  };
  for (let user = 0; user < options.users; user++) renew(user, options.arrival(chance) * HOUR);
  return { expiresAt, renew };
}

/** As the broker plans it, from nothing but the token that is kept. */
function dueAt(user: number, life: { at: number; until: number; windowSeconds: number }): number {
  const kept: KeptToken = {
    subject: { provider: 'aad', tenant: 'tenant', id: String(user) },
    target: TARGET,
    enrolment: '',
    generation: 1,
    token: { scope: TARGET.scope, obtainedAt: life.at * 1000, expiresAt: life.until * 1000 },
  };
  const rules = { windowSeconds: life.windowSeconds, livenessSeconds: HOUR };
  return (targetDueAt(kept, rules, 0) ?? 0) / 1000;
}

type DueMinutes = ReturnType<typeof createDueMinutes>;

/** The due index: one partition a minute, oldest first. */
function createDueMinutes({ users }: DayOptions) {
  const minutes: number[][] = [];
  const dueTimes = new Float64Array(users);
  let oldest = 0;
  return {
    put(user: number, at: number): void {
      const minute = Math.floor(at / 60);
      dueTimes[user] = at;
      const there = minutes[minute];
      if (there) there.push(user);
      else minutes[minute] = [user];
      oldest = Math.min(oldest, minute);
    },
    take(now: number, limit: number): readonly number[] {
      const taken: number[] = [];
      const last = Math.floor(now / 60);
      for (let minute = oldest; minute <= last && taken.length < limit; minute++) {
        const there = (minutes[minute] ?? []).sort((a, b) => (dueTimes[a] ?? 0) - (dueTimes[b] ?? 0));
        const ready = there.filter((user) => (dueTimes[user] ?? 0) <= now).slice(0, limit - taken.length);
        taken.push(...ready);
        const left = there.slice(ready.length);
        minutes[minute] = left;
        if (left.length === 0 && minute === oldest && minute < last) oldest += 1;
      }
      return taken;
    },
  };
}

/** When the next call may be made, at `from` or later. */
function createBudget({ limit, windowSeconds }: DayOptions['budget']): (from: number) => number {
  let window = -1;
  let spent = 0;
  return (from) => {
    const asked = Math.floor(from / windowSeconds);
    if (asked > window) [window, spent] = [asked, 0];
    if (spent >= limit) [window, spent] = [window + 1, 0];
    spent += 1;
    return Math.max(from, window * windowSeconds);
  };
}
