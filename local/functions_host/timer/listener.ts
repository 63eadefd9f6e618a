import type { RpcTypedData } from '../app/core_types.js';
import { type Clock, wait, waitUntil } from '../clock.js';
import { errorText } from '../errors.js';
import type { InvocationInput } from '../invocation/invoker.js';
import type { Log } from '../log.js';
import { createBackoff } from '../storage/backoff.js';
import type { TextBlob } from '../storage/blobs.js';
import type { StorageHealth } from '../storage/health.js';
import type { HeldLock } from './lock.js';
import { readStatus, resumeStatus, type ScheduleStatus, statusJson, writeStatus } from './monitor.js';
import type { RetryPolicy } from './retry.js';
import type { Schedule } from './schedule.js';

export interface TimerDeps {
  name: string;
  schedule: Schedule;
  runOnStartup: boolean;
  /** Where the status is kept; undefined when the timer is not monitored. */
  monitor: TextBlob | undefined;
  retry: RetryPolicy;
  /** Tries for the lock once; undefined when another process holds it; rejects when storage does not answer. */
  takeLock: () => Promise<HeldLock | undefined>;
  /** Milliseconds between tries for a lock that another holds. */
  lockPollMs: number;
  run: (input: Pick<InvocationInput, 'data' | 'retryContext'>) => Promise<unknown>;
  clock: Clock;
  log: Log;
  health: StorageHealth;
}

export interface Listener {
  /** Starts nothing new; resolves when its own work has ended. */
  stop(): Promise<void>;
}

/** The argument of a timer function. The library makes the first letter of each member small. */
export function timerInfo(
  schedule: Schedule,
  status: ScheduleStatus | undefined,
  isPastDue: boolean,
): RpcTypedData {
  return {
    json: JSON.stringify({
      Schedule: { AdjustForDST: schedule.adjustForDst },
      ScheduleStatus: status ? statusJson(status) : null,
      IsPastDue: isPastDue,
    }),
  };
}

/** Runs a timer function at its times, in one process of the fleet at once, until stopped. */
export function startTimerListener(deps: TimerDeps): Listener {
  const stopping = new AbortController();
  const done = attend(deps, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function attend(deps: TimerDeps, stopping: AbortSignal): Promise<void> {
  const outage = createBackoff(500, 15_000);
  let runOnStartup = deps.runOnStartup;
  while (!stopping.aborted) {
    try {
      const lock = await deps.takeLock();
      deps.health.ok();
      outage.reset();
      if (!lock) await wait(deps.clock, deps.lockPollMs, stopping);
      else await runUnder(lock, stopping, (signal) => runSchedule({ ...deps, runOnStartup }, signal));
      // A lock lost and taken again is no new start.
      if (lock) runOnStartup = false;
    } catch (error) {
      deps.health.failed(error);
      await wait(deps.clock, outage.next(), stopping);
    }
  }
}

async function runUnder(
  lock: HeldLock,
  stopping: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await work(AbortSignal.any([stopping, lock.lost]));
  } finally {
    await lock.release();
  }
}

async function runSchedule(deps: TimerDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, name } = deps;
  log.write('debug', 'Host.Timer', 'lock taken', { function: name });
  let status = await begin(deps);
  const now = clock.now();
  if (status && deps.monitor && now > status.next) {
    status = await runOnce(deps, status, { isPastDue: true, signal });
  } else if (status && deps.runOnStartup) {
    status = await runOnce(deps, status, { isPastDue: false, signal });
  }
  while (status && !signal.aborted) {
    await waitUntil(clock, status.next, signal);
    if (!signal.aborted) status = await runOnce(deps, status, { isPastDue: false, signal });
  }
  if (status || signal.aborted) return;
  log.write('warning', 'Host.Timer', 'its schedule never comes up', { function: name });
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function begin({ monitor, schedule, clock }: TimerDeps): Promise<ScheduleStatus | undefined> {
  const stored = monitor ? await readStatus(monitor) : undefined;
  const { status, changed } = resumeStatus(stored, schedule, clock.now());
  if (monitor && status && changed) await writeStatus(monitor, status);
  return status;
}

interface Run {
  isPastDue: boolean;
  signal: AbortSignal;
}

/** Runs the function and stores when it is next due: counted from the beginning of this run, so what was missed is skipped. */
async function runOnce(
  deps: TimerDeps,
  status: ScheduleStatus,
  run: Run,
): Promise<ScheduleStatus | undefined> {
  const now = deps.clock.now();
  const data = timerInfo(deps.schedule, deps.monitor && status, run.isPastDue);
  await runWithRetries(deps, data, run.signal);
  const next = deps.schedule.next(now);
  if (next === undefined) return undefined;
  const updated = { last: now, next, lastUpdated: now };
  if (deps.monitor) {
    await writeStatus(deps.monitor, updated).then(deps.health.ok, deps.health.failed);
  }
  return updated;
}

async function runWithRetries(deps: TimerDeps, data: RpcTypedData, signal: AbortSignal): Promise<void> {
  const { retry, log, name, clock } = deps;
  let exception: { message: string } | undefined;
  for (let count = 0; ; count++) {
    const retryCount = { retryCount: count, maxRetryCount: Number.isFinite(retry.max) ? retry.max : -1 };
    const retryContext = retry.max > 0 ? { ...retryCount, ...(exception && { exception }) } : undefined;
    try {
      await deps.run({ data, retryContext });
      return;
    } catch (error) {
      log.write('error', `Function.${name}`, `failed: ${errorText(error)}`, { function: name });
      exception = { message: error instanceof Error ? error.message : String(error) };
    }
    if (count >= retry.max) return;
    await wait(clock, retry.delay(count + 1), signal);
    if (signal.aborted) return;
  }
}
