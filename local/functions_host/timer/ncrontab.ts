/** The allowed values of each field of an NCRONTAB expression, ascending. */
export interface CronFields {
  second: readonly number[];
  minute: readonly number[];
  hour: readonly number[];
  day: readonly number[];
  month: readonly number[];
  weekday: readonly number[];
}

interface FieldRule {
  name: keyof CronFields;
  min: number;
  max: number;
  names: readonly string[];
}

const months = 'January February March April May June July August September October November December';
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday';

const rules: readonly FieldRule[] = [
  { name: 'second', min: 0, max: 59, names: [] },
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: months.split(' ') },
  { name: 'weekday', min: 0, max: 6, names: weekdays.split(' ') },
];

/**
 * Reads an NCRONTAB expression of six fields, or five with seconds 0: `*`, values, `a-b`, `a-b/n`, `step forms`, `a/n` and lists; names of
 * months and weekdays by any prefix of three letters or more. A reversed range is swapped. Throws an `Error` naming the field.
 */
export function parseNcrontab(expression: string): CronFields {
  const parts = expression.trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== 6) throw new Error('a schedule has 6 fields: second minute hour day month weekday');
  const [second, minute, hour, day, month, weekday] = rules.map((rule, index) =>
    parseField(parts[index] ?? '', rule),
  );
  if (!second || !minute || !hour || !day || !month || !weekday) throw new Error('a field is missing');
  return { second, minute, hour, day, month, weekday };
}

function parseField(text: string, rule: FieldRule): number[] {
  const allowed = new Set<number>();
  for (const term of text.split(',')) {
    for (const value of parseTerm(term, rule)) allowed.add(value);
  }
  return [...allowed].sort((a, b) => a - b);
}

function parseTerm(term: string, rule: FieldRule): number[] {
  const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d{1,4}))?$/i.exec(term);
  const [, from = '', to, every] = match ?? [];
  const step = every === undefined ? 1 : Number(every);
  if (!match || step < 1 || (from === '*' && to !== undefined)) {
    throw new Error(`"${term}" is no valid ${rule.name}`);
  }
  if (from === '*') return range(rule.min, rule.max, step);
  const first = parseValue(from, rule);
  // `a/n` runs from a to the end of the field; a single value is itself.
  const last = to !== undefined ? parseValue(to, rule) : every === undefined ? first : rule.max;
  return range(Math.min(first, last), Math.max(first, last), step);
}

function parseValue(text: string, rule: FieldRule): number {
  if (/^\d{1,4}$/.test(text)) {
    const value = Number(text);
    if (value >= rule.min && value <= rule.max) return value;
    throw new Error(`${rule.name} ${value} is not between ${rule.min} and ${rule.max}`);
  }
  const index = rule.names.findIndex((name) => name.toLowerCase().startsWith(text.toLowerCase()));
  if (text.length < 3 || index < 0) throw new Error(`"${text}" is no valid ${rule.name}`);
  return index + rule.min;
}

function range(first: number, last: number, step: number): number[] {
  const values: number[] = [];
  for (let value = first; value <= last; value += step) values.push(value);
  return values;
}
