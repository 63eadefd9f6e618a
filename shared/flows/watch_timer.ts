import { type BrokerEvent, deliveryWait, eventOf } from '../domain/event.js';
import type { Clock, Heartbeat } from '../ports.js';
import type { DeliverEvent } from './deliver_events.js';
import { UPKEEP_HEARTBEAT } from './find_due.js';
import type { Publish } from './publish.js';

/** Whether the refresh timer runs. Whoever finds that it does not raises the alarm: the timer itself cannot. */
export interface WatchTimer {
  /** Looks now; false when it has not run for too long. */
  check(): Promise<boolean>;
  /** Looks once in a while, for the request path. Never throws. */
  glance(): Promise<void>;
}

interface Deps {
  readonly heartbeat: Heartbeat;
  readonly periodSeconds: number;
  readonly publish: Publish;
  readonly deliver: DeliverEvent;
  readonly clock: Clock;
}

/** Runs that may be missed, and a while for a cold start on top, before the timer counts as standing, ms. */
const MISSED_RUNS = 3;
const GRACE_MS = 60_000;
const GLANCE_MS = 60_000;
const HOUR = 3_600_000;

export function createWatchTimer(deps: Deps): WatchTimer {
  const startedAt = deps.clock();
  let glancedAt = startedAt;
  const alarm = createAlarm(deps);
  const patience = MISSED_RUNS * deps.periodSeconds * 1000 + GRACE_MS;
  const check = async (): Promise<boolean> => {
    const last = await deps.heartbeat.last(UPKEEP_HEARTBEAT);
    const now = deps.clock();
    // A process that has just come up may be the first to see the timer run again after a stop of all.
    if (now - Math.max(last ?? 0, startedAt) <= patience) return true;
    await alarm(last, now);
    return false;
  };
  return {
    check,
    async glance() {
      const now = deps.clock();
      if (now - glancedAt < GLANCE_MS) return;
      glancedAt = now;
      await check().catch(() => undefined);
    },
  };
}

type Alarm = (last: number | undefined, now: number) => Promise<void>;

/** An alarm on its way to its receivers, and when that is tried again. */
interface Undelivered {
  readonly event: BrokerEvent;
  readonly tries: number;
  readonly nextAt: number;
}

/**
 * Once an hour, and brought to its receivers from here: what would do that otherwise is the timer. A delivery that fails is tried again by
 * whoever began it, ever more seldom, until the next alarm takes its place.
 */
function createAlarm(deps: Deps): Alarm {
  let undelivered: Undelivered | undefined;
  return async (last, now) => {
    const event = staleEvent(last, now);
    if (await deps.publish(event)) undelivered = { event, tries: 0, nextAt: now };
    const current = undelivered;
    if (!current || current.nextAt > now) return;
    const tries = current.tries + 1;
    // Set before it is tried, so that of many who look at once one tries.
    undelivered = { ...current, tries, nextAt: now + deliveryWait(tries, undefined) };
    const due = { eventId: current.event.id, dueAt: current.event.at };
    const done = await deps.deliver(due).catch(() => false);
    if (done && undelivered.event === current.event) undelivered = undefined;
  };
}

function staleEvent(last: number | undefined, now: number): BrokerEvent {
  const data = {
    lastRun: last === undefined ? 'never' : new Date(last).toISOString(),
    action: 'see why refresh_timer does not run: host log, AzureWebJobsStorage, a disabled function',
  };
  const occasion = String(Math.floor(now / HOUR));
  return eventOf('timer.stale', { subject: UPKEEP_HEARTBEAT, at: now, occasion }, data);
}
