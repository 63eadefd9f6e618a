import { GUARD_WINDOW_MS, isStreak, isUnlikely, STREAK, type Tally } from '../domain/death_guard.js';
import { eventOf } from '../domain/event.js';
import type { Clock, GuardState, GuardStore, Log } from '../ports.js';
import type { Publish } from './publish.js';

/** Stands between a provider that calls many credentials dead and the wiping of them. */
export interface DeathGuard {
  /** Counts an attempt that ended otherwise. */
  survived(provider: string): Promise<void>;
  /** Counts a death; false when it is one of too many, and nothing may be wiped. */
  mayBury(provider: string): Promise<boolean>;
  /** The deaths are real: for a day they are believed. */
  confirm(provider: string): Promise<void>;
  /** They were not: the counting begins anew. */
  clear(provider: string): Promise<void>;
  look(provider: string): Promise<Tally & GuardState>;
}

interface Deps {
  readonly guard: GuardStore;
  readonly publish: Publish;
  readonly clock: Clock;
  readonly log: Log;
}

const CONFIRMED_MS = 86_400_000;
/** Survivors are written down in batches: they only have to be about right. */
const FLUSH_AT = 100;
const FLUSH_MS = 60_000;

interface Counted {
  survived: number;
  flushedAt: number;
  readonly last: boolean[];
}

export function createDeathGuard(deps: Deps): DeathGuard {
  const { guard, clock } = deps;
  const counts = new Map<string, Counted>();
  const countedOf = (provider: string): Counted => {
    const known = counts.get(provider) ?? { survived: 0, flushedAt: clock(), last: [] };
    counts.set(provider, known);
    return known;
  };
  const flush = async (provider: string, died: number): Promise<void> => {
    const counted = countedOf(provider);
    const { survived } = counted;
    counted.survived = 0;
    counted.flushedAt = clock();
    if (survived + died > 0) await guard.add(provider, { tried: survived + died, died }, clock());
  };
  const review = async (provider: string): Promise<void> => {
    await flush(provider, 0);
    const state = await guard.state(provider);
    if (state?.holdingSince === undefined) return;
    const tally = await guard.sum(provider, clock() - GUARD_WINDOW_MS);
    if (!isUnlikely(tally) && !isStreak(countedOf(provider).last)) await letGo(deps, provider);
  };
  return {
    async survived(provider) {
      const counted = countedOf(provider);
      counted.survived += 1;
      remember(counted, false);
      const due = counted.survived >= FLUSH_AT || clock() - counted.flushedAt >= FLUSH_MS;
      if (due) await review(provider).catch(() => undefined);
    },
    async mayBury(provider) {
      const counted = countedOf(provider);
      remember(counted, true);
      const state = await guard.state(provider);
      await flush(provider, 1);
      if ((state?.confirmedUntil ?? 0) > clock()) return true;
      const tally = await guard.sum(provider, clock() - GUARD_WINDOW_MS);
      const holds = isUnlikely(tally) || isStreak(counted.last);
      if (holds) await hold(deps, { provider, tally, state });
      else if (state) await letGo(deps, provider);
      return !holds;
    },
    async confirm(provider) {
      await guard.setState(provider, { confirmedUntil: clock() + CONFIRMED_MS });
    },
    async clear(provider) {
      await guard.reset(provider);
      await guard.setState(provider, undefined);
      counts.delete(provider);
    },
    async look(provider) {
      const tally = await guard.sum(provider, clock() - GUARD_WINDOW_MS);
      return { ...tally, ...(await guard.state(provider)) };
    },
  };
}

function remember({ last }: Counted, died: boolean): void {
  last.push(died);
  if (last.length > STREAK) last.shift();
}

async function hold(
  deps: Deps,
  { provider, tally, state }: { provider: string; tally: Tally; state: GuardState | undefined },
): Promise<void> {
  const at = state?.holdingSince ?? deps.clock();
  if (state?.holdingSince === undefined) {
    // Of several instances that notice at once one has made the change, and tells of it.
    if (!(await deps.guard.hold(provider, at))) return;
    deps.log.error('too many credentials die at once: none is wiped', { provider, ...tally });
  }
  const action = `see whether they are real; then npm run refresh -- guard confirm ${provider}, or clear`;
  // Told at every death, under one name: the first telling may not have got out.
  const about = { subject: provider, at, occasion: String(at) };
  await deps.publish(eventOf('guard.holding', about, { ...tally, action }));
}

async function letGo(deps: Deps, provider: string): Promise<void> {
  if (!(await deps.guard.setState(provider, undefined))) return;
  const at = deps.clock();
  await deps.publish(eventOf('guard.ended', { subject: provider, at, occasion: String(at) }, {}));
}
