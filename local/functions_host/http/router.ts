import type { Report } from '../app/section.js';
import { mayBeAbsent, parseTemplate, type RouteParameter, type RouteSegment } from './route_template.js';

export interface RouteEntry {
  name: string;
  /** Upper case. */
  methods: readonly string[];
  /** With the route prefix. */
  template: string;
}

export interface RouteMatch<T> {
  entry: T;
  /** Route values, decoded but for `%2F`; an absent optional parameter is not in it. */
  params: Record<string, string>;
}

/** Finds the function of a request. */
export type Router<T> = (method: string, path: string) => RouteMatch<T> | undefined;

/**
 * Compiles the routes once. Functions are tried in the order of their names, ignoring case, and the first whose template
 * and methods match wins, so `getItem: items/{id}` hides `searchItem: items/search`. A malformed template, and one
 * used twice with a method in common, is a problem.
 */
export function createRouter<T extends RouteEntry>(entries: readonly T[], report: Report): Router<T> {
  const sorted = [...entries].sort((a, b) => compareOrdinal(a.name, b.name));
  reportTwins(sorted, report);
  const routes = sorted.flatMap((entry) => compile(entry, report));
  const byMethod = new Map<string, typeof routes>();
  for (const route of routes) {
    for (const method of new Set(route.entry.methods)) {
      byMethod.set(method, [...(byMethod.get(method) ?? []), route]);
    }
  }
  return (method, path) => {
    const candidates = byMethod.get(method);
    if (!candidates) return undefined;
    const parts = splitPath(path);
    for (const { entry, segments } of candidates) {
      const params = matchSegments(segments, parts);
      if (params) return { entry, params };
    }
    return undefined;
  };
}

function compareOrdinal(a: string, b: string): number {
  const [x, y] = [a.toUpperCase(), b.toUpperCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

function reportTwins(entries: readonly RouteEntry[], report: Report): void {
  for (const [index, entry] of entries.entries()) {
    const twin = entries
      .slice(0, index)
      .find((other) => sameTemplate(other, entry) && other.methods.some((m) => entry.methods.includes(m)));
    if (twin) {
      report.problem(`function "${entry.name}": route "${entry.template}" is already that of "${twin.name}"`);
    }
  }
}

function sameTemplate(a: RouteEntry, b: RouteEntry): boolean {
  return a.template.toLowerCase() === b.template.toLowerCase();
}

function compile<T extends RouteEntry>(
  entry: T,
  report: Report,
): { entry: T; segments: readonly RouteSegment[] }[] {
  try {
    return [{ entry, segments: parseTemplate(entry.template) }];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    report.problem(`function "${entry.name}": route "${entry.template}": ${reason}`);
    return [];
  }
}

/** One slash at the end does not count; a doubled slash is an empty segment, which nothing but a catch-all takes. */
function splitPath(path: string): string[] {
  const end = path.length > 1 && path.endsWith('/') ? -1 : path.length;
  const inner = path.slice(1, end);
  return inner === '' ? [] : inner.split('/');
}

type Params = Record<string, string>;

function matchSegments(segments: readonly RouteSegment[], parts: readonly string[]): Params | undefined {
  const last = segments.at(-1);
  const catchesAll = last?.kind === 'parameter' && last.parameter.catchAll;
  if (parts.length > segments.length && !catchesAll) return undefined;
  const params: Params = Object.create(null);
  for (const [index, segment] of segments.entries()) {
    const text =
      catchesAll && index === segments.length - 1 ? parts.slice(index).join('/') || undefined : parts[index];
    if (!matchSegment(segment, text, params)) return undefined;
  }
  return params;
}

function matchSegment(segment: RouteSegment, text: string | undefined, params: Params): boolean {
  if (text === undefined) return mayBeAbsent(segment) && takeAbsent(segment, params);
  switch (segment.kind) {
    case 'literal':
      return text.length === segment.text.length && text.toLowerCase() === segment.text;
    case 'parameter':
      return take(segment.parameter, text, params);
    case 'mixed': {
      const match = segment.pattern.exec(text);
      return (
        match !== null &&
        segment.parameters.every((parameter, index) => {
          const value = match[index + 1];
          return value === undefined ? parameter.optional : take(parameter, value, params);
        })
      );
    }
  }
}

function takeAbsent(segment: RouteSegment, params: Params): boolean {
  if (segment.kind === 'parameter' && segment.parameter.fallback !== undefined) {
    return take(segment.parameter, segment.parameter.fallback, params);
  }
  return true;
}

function take(parameter: RouteParameter, value: string, params: Params): boolean {
  if (value === '' || !parameter.constraints.every((holds) => holds(value))) return false;
  params[parameter.name] = value;
  return true;
}
