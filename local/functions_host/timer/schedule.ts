import { Cron } from 'croner';
import { parseTimeSpan } from '../app/time_span.js';
import { type CronFields, parseNcrontab } from './ncrontab.js';

/** When a timer runs. Instants are milliseconds since 1970, UTC. */
export interface Schedule {
  /** The first run after `time`; undefined when there is none, as for 31 February. */
  next(time: number): number | undefined;
  /** True for a cron expression, false for a period. */
  adjustForDst: boolean;
  /** Whether two of the next runs after `time` are less than a minute apart. */
  runsWithinMinute(time: number): boolean;
}

/**
 * Reads a timer's schedule: an NCRONTAB expression in UTC, where day and weekday must both match, or a period `hh:mm:ss`.
 * Throws an `Error` that says what is wrong.
 */
export function parseSchedule(text: string): Schedule {
  const period = parseTimeSpan(text);
  const next = period === undefined ? cronNext(parseNcrontab(text)) : periodNext(period);
  return {
    next,
    adjustForDst: period === undefined,
    runsWithinMinute: (time) => closestRuns(next, time) < 60_000,
  };
}

type Next = Schedule['next'];

function periodNext(period: number): Next {
  if (period < 1000) throw new Error('a period must be at least one second');
  return (time) => time + period;
}

function cronNext(fields: CronFields): Next {
  const sizes: Readonly<Record<keyof CronFields, number>> = {
    second: 60,
    minute: 60,
    hour: 24,
    day: 31,
    month: 12,
    weekday: 7,
  };
  const names = ['second', 'minute', 'hour', 'day', 'month', 'weekday'] as const;
  // Written out as lists: croner reads names, `a/n` and some letters differently.
  const pattern = names
    .map((name) => (fields[name].length === sizes[name] ? '*' : fields[name].join(',')))
    .join(' ');
  const cron = new Cron(pattern, { mode: '6-part', domAndDow: true, timezone: 'UTC', paused: true });
  return (time) => cron.nextRun(new Date(time))?.getTime();
}

function closestRuns(next: Next, time: number): number {
  let closest = Infinity;
  let previous = next(time);
  for (let count = 0; count < 4 && previous !== undefined; count++) {
    const following = next(previous);
    if (following === undefined) break;
    closest = Math.min(closest, following - previous);
    previous = following;
  }
  return closest;
}
