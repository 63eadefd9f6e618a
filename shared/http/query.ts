import type { HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';

/**
 * Query parameters by name, each at most once. Read from the URL: the library's own `request.query` joins repeated ones with commas.
 * @throws Refusal `invalid_parameter` for a repeated or an unknown one, so that a misspelt filter never widens an answer
 */
export function readQuery<const N extends string>(
  request: HttpRequest,
  known: readonly N[],
): { readonly [K in N]?: string } {
  const found: { [K in N]?: string } = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    const match = known.find((candidate) => candidate === name);
    if (match === undefined) {
      throw new Refusal('invalid_parameter', {
        description: `the query has an unknown parameter; known are ${known.join(', ')}`,
      });
    }
    if (found[match] !== undefined) {
      throw new Refusal('invalid_parameter', { description: `${match} is given more than once` });
    }
    found[match] = value;
  }
  return found;
}

export function readLimit(text: string | undefined, range: { preset: number; most: number }): number {
  if (text === undefined) return range.preset;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > range.most) {
    throw new Refusal('invalid_parameter', { description: `limit must be a number from 1 to ${range.most}` });
  }
  return limit;
}

const MOST_FILTER_CHARS = 1024;

/** A text to compare stored values with. @throws Refusal `invalid_parameter` for one no stored value can be */
export function assertFilters(query: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(query)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    if (value !== undefined && (value.length > MOST_FILTER_CHARS || /[\u0000-\u001f\u007f]/.test(value))) {
      throw new Refusal('invalid_parameter', { description: `${name} is not a value to search for` });
    }
  }
}

/** ISO 8601 date or date-time to ms; UTC where it names no zone. */
export function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const form = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  // JavaScript takes a time without a zone for the machine's own.
  const time = form
    ? Date.parse(form[1] !== undefined && form[2] === undefined ? `${text}Z` : text)
    : Number.NaN;
  if (Number.isNaN(time)) {
    throw new Refusal('invalid_parameter', { description: `${name} must be an ISO 8601 time` });
  }
  return time;
}
