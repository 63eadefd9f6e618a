import { EntraError } from './errors.js';

/** Parameters of a request. An empty value counts as absent, except to `has`. */
export type Params = Readonly<{
  get: (name: string) => string | undefined;
  /** @throws EntraError missingParameter */
  required: (name: string) => string;
  has: (name: string) => boolean;
}>;

/** Names given more than once: RFC 6749 §3.1 and §3.2 forbid it. */
export function repeatedNames(values: URLSearchParams): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set([...values.keys()].filter((name) => seen.size === seen.add(name).size));
}

/** Typed access to a form or query; of a repeated name the first value is read. */
export function paramsOf(values: URLSearchParams): Params {
  const get = (name: string): string | undefined => values.get(name) || undefined;
  return {
    get,
    has: (name) => values.has(name),
    required: (name) => {
      const value = get(name);
      if (value === undefined) throw new EntraError('missingParameter', { name });
      return value;
    },
  };
}
