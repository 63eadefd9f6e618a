import { isLoopbackHost } from '../loopback.js';

/** Values with the places they stand at. */
export type Named = readonly (readonly [place: string, value: string])[];

/** Values that stand at more than one place, whatever the case. */
export function* duplicates(named: Named): Generator<string> {
  const seen = new Map<string, string>();
  for (const [place, value] of named) {
    const first = seen.get(value.toLowerCase());
    if (first === undefined) seen.set(value.toLowerCase(), place);
    else yield `${place} repeats ${first}`;
  }
}

/** Values that name nothing known. */
export function* unknown(named: Named, known: ReadonlySet<string>, what: string): Generator<string> {
  for (const [place, value] of named) if (!known.has(value)) yield `${place} is not ${what}`;
}

/** What is wrong with a redirect URI, if anything is. */
export function redirectProblem(uri: string): string | undefined {
  if (!URL.canParse(uri)) return 'is not an absolute URI';
  const { protocol, hostname, hash } = new URL(uri);
  if (hash !== '' || uri.includes('#')) return 'has a fragment';
  if (protocol === 'http:' && !isLoopbackHost(hostname)) return 'is plain http and not a loopback address';
  if (['javascript:', 'data:', 'file:', 'vbscript:'].includes(protocol))
    return 'has a scheme that is not allowed';
  return undefined;
}

/** The values of one field through a list; `*` in the place is the index. */
export function collect<T>(
  list: readonly T[] | undefined,
  place: string,
  field: (item: T) => string | undefined,
): Named {
  return (list ?? []).flatMap((item, index) => {
    const value = field(item);
    return value === undefined ? [] : [[`${place.replace('*', String(index))}`, value] as const];
  });
}
