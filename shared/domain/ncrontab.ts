interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: string;
}

const SECOND: Field = { name: 'second', min: 0, max: 59 };
const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY: Field = { name: 'day', min: 1, max: 31 };
const MONTH: Field = {
  name: 'month',
  min: 1,
  max: 12,
  names: 'january february march april may june july august september october november december',
};
const WEEKDAY: Field = {
  name: 'weekday',
  min: 0,
  max: 6,
  names: 'sunday monday tuesday wednesday thursday friday saturday',
};

const DAY_SECONDS = 86_400;
/** A whole leap cycle: every combination of day, month and weekday that ever comes, comes in it. */
const DAYS_LOOKED_AT = 28 * 366;
const PERIOD = /^(?:(\d{1,2})\.)?(\d{1,2}):(\d{2}):(\d{2})$/;

/**
 * The longest time between two runs of a timer, seconds, from its schedule as the Functions host reads it: NCRONTAB of six fields
 * (`sec min hour day month weekday`, day and weekday must both match), of five (seconds 0), or a period `hh:mm:ss`.
 * Undefined for a text that is no schedule, and for one that never runs.
 */
export function longestGapSeconds(schedule: string): number | undefined {
  const period = PERIOD.exec(schedule.trim());
  if (period) return periodSeconds(period);
  const parts = schedule.trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== 6) return undefined;
  const [seconds, minutes, hours, days, months, weekdays] = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY].map(
    (field, index) => valuesOf(parts[index] ?? '', field),
  );
  if (!seconds || !minutes || !hours || !days || !months || !weekdays) return undefined;
  const dayGap = longestDayGap(days, months, weekdays);
  return dayGap === undefined ? undefined : gapWithin({ seconds, minutes, hours, dayGap });
}

function periodSeconds([, days = '0', hours, minutes, seconds]: RegExpExecArray): number | undefined {
  const total = DAY_SECONDS * Number(days) + 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds);
  return total > 0 ? total : undefined;
}

interface Runs {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Days from one day with runs to the next, at most. */
  readonly dayGap: number;
}

function gapWithin({ seconds, minutes, hours, dayGap }: Runs): number {
  const times = hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => 3600 * hour + 60 * minute + second)),
  );
  let longest = dayGap * DAY_SECONDS + (times[0] ?? 0) - (times.at(-1) ?? 0);
  for (let index = 1; index < times.length; index++) {
    longest = Math.max(longest, (times[index] ?? 0) - (times[index - 1] ?? 0));
  }
  return longest;
}

function longestDayGap(
  days: readonly number[],
  months: readonly number[],
  weekdays: readonly number[],
): number | undefined {
  let last: number | undefined;
  let longest: number | undefined;
  for (let day = 0; day < DAYS_LOOKED_AT; day++) {
    const date = new Date(day * DAY_SECONDS * 1000);
    const runs =
      days.includes(date.getUTCDate()) &&
      months.includes(date.getUTCMonth() + 1) &&
      weekdays.includes(date.getUTCDay());
    if (!runs) continue;
    if (last !== undefined) longest = Math.max(longest ?? 0, day - last);
    last = day;
  }
  return longest;
}

function valuesOf(text: string, field: Field): readonly number[] | undefined {
  const values = new Set<number>();
  for (const term of text.split(',')) {
    const range = rangeOf(term, field);
    if (!range) return undefined;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

const TERM = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d{1,4}))?$/i;

function rangeOf(term: string, field: Field): { from: number; to: number; step: number } | undefined {
  const [, first = '', second, every] = TERM.exec(term) ?? [];
  const step = Number(every ?? 1);
  if (first === '' || step < 1 || (first === '*' && second !== undefined)) return undefined;
  if (first === '*') return { from: field.min, to: field.max, step };
  const from = numberOf(first, field);
  // `a/n` runs from a to the field's end; a reversed range is swapped.
  const to = second !== undefined ? numberOf(second, field) : every === undefined ? from : field.max;
  if (from === undefined || to === undefined) return undefined;
  return { from: Math.min(from, to), to: Math.max(from, to), step };
}

function numberOf(text: string, { min, max, names }: Field): number | undefined {
  if (/^\d{1,2}$/.test(text)) {
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  }
  const index = (names ?? '').split(' ').findIndex((name) => name.startsWith(text.toLowerCase()));
  return text.length >= 3 && index >= 0 ? index + min : undefined;
}
