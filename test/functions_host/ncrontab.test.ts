import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CronFields, parseNcrontab } from '../../local/functions_host/timer/ncrontab.js';
import { parseSchedule } from '../../local/functions_host/timer/schedule.js';

const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
const next = (schedule: string, from: string) => iso(parseSchedule(schedule).next(Date.parse(from)));

describe('an NCRONTAB expression', () => {
  it.each([
    ['0 */5 * * * *', '2026-11-23T00:01:00Z', '2026-11-23T00:05:00.000Z'],
    ['*/5 * * * *', '2026-11-23T00:01:00Z', '2026-11-23T00:05:00.000Z'],
    ['30 5/20 9-17 * * Mon-Fri', '2026-11-20T17:45:30Z', '2026-11-23T09:05:30.000Z'],
    ['0 0 0 * jan,DECEMBER sun', '2026-11-23T00:00:00Z', '2026-12-06T00:00:00.000Z'],
    ['0 0 0 13 * Fri', '2026-11-23T00:00:00Z', '2027-08-13T00:00:00.000Z'],
    ['0 0 0 29 2 *', '2026-11-23T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 17-9/8 * * *', '2026-11-23T10:00:00Z', '2026-11-23T17:00:00.000Z'],
    ['0 0 0 1 1 *', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
  ])('%j after %s runs at %s', (schedule, from, expected) => {
    expect(next(schedule, from)).toBe(expected);
  });

  it('of a day that never comes never runs', () => {
    expect(next('0 0 0 31 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  it.each([
    ['* * * *', '6 fields'],
    ['* * * * * * *', '6 fields'],
    ['0 0 0 * * 7', 'weekday 7'],
    ['60 * * * * *', 'second 60'],
    ['0 0 24 * * *', 'hour 24'],
    ['0 0 0 0 * *', 'day 0'],
    ['0 0 0 ? * *', '"?"'],
    ['0 0 0 L * *', '"L"'],
    ['0 0 0 15W * *', '"15W"'],
    ['0 0 0 * * 1#2', '"1#2"'],
    ['@daily', '6 fields'],
    ['0 */0 * * * *', '"*/0"'],
    ['0 0 0 * Ja *', '"Ja"'],
    ['0 0 0 * * Monday-Funday', '"Funday"'],
    ['0 1,,2 * * * *', '""'],
    ['0 -1 * * * *', '"-1"'],
    ['0 *-5 * * * *', '"*-5"'],
    ['', '6 fields'],
  ])('%j is refused, naming %s', (schedule, part) => {
    expect(() => parseSchedule(schedule)).toThrow(part);
  });

  const horizon = 40 * 24 * 3600_000;

  /** The next match within the horizon, found by trying every second of every hour that fits. */
  function bruteForce(expression: string, from: number): number | undefined {
    const fields = parseNcrontab(expression);
    const start = Math.floor(from / 1000) * 1000 + 1000;
    for (let hour = Math.floor(start / 3600_000) * 3600_000; hour < from + horizon; hour += 3600_000) {
      const found = hourFits(fields, hour) ? secondInHour(fields, hour, start) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function hourFits(fields: CronFields, hour: number): boolean {
    const at = new Date(hour);
    return (
      fields.hour.includes(at.getUTCHours()) &&
      fields.day.includes(at.getUTCDate()) &&
      fields.month.includes(at.getUTCMonth() + 1) &&
      fields.weekday.includes(at.getUTCDay())
    );
  }

  function secondInHour(fields: CronFields, hour: number, start: number): number | undefined {
    for (let second = 0; second < 3600; second++) {
      const fits = fields.minute.includes(Math.floor(second / 60)) && fields.second.includes(second % 60);
      if (fits && hour + second * 1000 >= start) return hour + second * 1000;
    }
    return undefined;
  }

  function field(min: number, max: number): fc.Arbitrary<string> {
    const value = fc.integer({ min, max }).map(String);
    const step = fc.integer({ min: 1, max: max - min }).map(String);
    const term = fc.oneof(
      value,
      fc.tuple(value, value).map(([a, b]) => `${a}-${b}`),
      fc.tuple(value, value, step).map(([a, b, n]) => `${a}-${b}/${n}`),
      fc.tuple(value, step).map(([a, n]) => `${a}/${n}`),
      step.map((n) => `*/${n}`),
    );
    const list = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(','));
    return fc.oneof({ weight: 2, arbitrary: fc.constant('*') }, { weight: 3, arbitrary: list });
  }

  const expression = fc
    .tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
    .map((fields) => fields.join(' '));

  it('runs when, and only when, all six fields match: day AND weekday', () => {
    const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) });
    fc.assert(
      fc.property(expression, instant, (text, from) => {
        const expected = bruteForce(text, from);
        const found = parseSchedule(text).next(from);
        const within = found !== undefined && found < from + horizon ? found : undefined;
        expect(iso(within)).toBe(iso(expected));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a schedule', () => {
  it('may be a period, counted from the last run', () => {
    expect(next('01:30:00', '2026-11-23T00:00:10Z')).toBe('2026-11-23T01:30:10.000Z');
    expect(() => parseSchedule('00:00:00')).toThrow('at least one second');
  });

  it('adjusts for daylight saving when it is an expression, not when it is a period', () => {
    expect([parseSchedule('0 0 0 * * *').adjustForDst, parseSchedule('00:10:00').adjustForDst]).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    ['*/10 * * * * *', true],
    ['0,30 0 0 * * *', true],
    ['0 * * * * *', false],
    ['00:00:59', true],
    ['00:01:00', false],
  ])('%j runs more than once a minute: %s', (schedule, expected) => {
    expect(parseSchedule(schedule).runsWithinMinute(Date.UTC(2026, 0, 1))).toBe(expected);
  });
});
