import type { AuditLog, Clock, Log, Provider, Vault } from '../ports.js';
import type { WatchTimer } from './watch_timer.js';

export type CheckHealth = () => Promise<boolean>;

interface Deps {
  readonly audit: AuditLog;
  readonly vault: Vault;
  readonly provider: Provider;
  readonly providers: readonly string[];
  readonly watchTimer: WatchTimer;
  readonly clock: Clock;
  readonly log: Log;
}

/** An answer is good for this long, so that a prober cannot make us hammer what we depend on, ms. */
const GOOD_FOR_MS = 5000;

/** Whether the broker can do its work: tables and key in reach, each provider's metadata known, the timer running. What is wrong goes to the log. */
export function createCheckHealth(deps: Deps): CheckHealth {
  let last: { at: number; answer: Promise<boolean> } | undefined;
  return () => {
    const now = deps.clock();
    if (!last || now - last.at >= GOOD_FOR_MS) last = { at: now, answer: check(deps) };
    return last.answer;
  };
}

async function check(deps: Deps): Promise<boolean> {
  const now = deps.clock();
  const checks: readonly (readonly [string, Promise<unknown>])[] = [
    ['timer', timerRuns(deps)],
    ['audit', deps.audit.query({ from: now - 1, to: now, limit: 1, match: {} })],
    ['vault', deps.vault.check()],
    ...deps.providers.map((name) => [`provider ${name}`, deps.provider.check(name)] as const),
  ];
  const results = await Promise.allSettled(checks.map(([, result]) => result));
  results.forEach((result, index) => {
    if (result.status === 'fulfilled') return;
    const error: unknown = result.reason;
    deps.log.error('not ready', {
      part: checks[index]?.[0],
      error: error instanceof Error ? error.message : 'unknown',
    });
  });
  return results.every((result) => result.status === 'fulfilled');
}

async function timerRuns({ watchTimer }: Deps): Promise<void> {
  if (!(await watchTimer.check())) throw new Error('the refresh timer has not run');
}
