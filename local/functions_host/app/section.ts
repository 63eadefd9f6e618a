import { isObject } from './json_file.js';
import { parseTimeSpan } from './time_span.js';

/** Where the readers of a configuration file put what they find. */
export interface Report {
  problem(text: string): void;
  warning(text: string): void;
}

/** Typed, case-insensitive access to one object of a configuration file. Members never asked for are warned of by `finish`. */
export interface Section {
  text(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  /** A whole number from `min` to `max`. */
  integer(name: string, min: number, max: number): number | undefined;
  /** Milliseconds of a time span no shorter than `min` ms. */
  duration(name: string, min?: number): number | undefined;
  /** A member as it stands, counted as known. */
  raw(name: string): unknown;
  child(name: string): Section;
  finish(): void;
}

/** Opens `value` (an object, or undefined for an absent one) found at `path` in `file`. */
export function openSection(value: unknown, path: string, report: Report): Section {
  if (value !== undefined && !isObject(value)) report.problem(`${path} must be an object`);
  const members = new Map<string, { name: string; value: unknown }>();
  for (const [name, member] of Object.entries(isObject(value) ? value : {})) {
    members.set(name.toLowerCase(), { name, value: member });
  }
  const children: Section[] = [];
  const asked = new Set<string>();
  const raw = (name: string): unknown => {
    asked.add(name.toLowerCase());
    return members.get(name.toLowerCase())?.value ?? undefined;
  };
  const read = <T>(name: string, kind: string, parse: (value: unknown) => T | undefined): T | undefined => {
    const found = raw(name);
    if (found === undefined) return undefined;
    const parsed = parse(found);
    if (parsed === undefined) report.problem(`${path}.${name} must be ${kind}`);
    return parsed;
  };
  return {
    raw,
    text: (name) => read(name, 'a string', (v) => (typeof v === 'string' ? v : undefined)),
    flag: (name) => read(name, 'true or false', toFlag),
    integer: (name, min, max) =>
      read(name, `a whole number from ${min} to ${max}`, (v) => toInteger(v, min, max)),
    duration: (name, min = 0) =>
      read(name, `a time span hh:mm:ss${min > 0 ? ` of at least ${min} ms` : ''}`, (v) => {
        const ms = typeof v === 'string' ? parseTimeSpan(v) : undefined;
        return ms !== undefined && ms >= min ? ms : undefined;
      }),
    child(name) {
      const child = openSection(raw(name), `${path}.${name}`, report);
      children.push(child);
      return child;
    },
    finish() {
      for (const [key, { name }] of members) {
        if (!asked.has(key)) report.warning(`${path}.${name} is not known to this host and is ignored`);
      }
      for (const child of children) child.finish();
    },
  };
}

function toFlag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function toInteger(value: unknown, min: number, max: number): number | undefined {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : '';
  if (!/^-?\d+$/.test(text)) return undefined;
  const number = Number(text);
  return number >= min && number <= max ? number : undefined;
}
