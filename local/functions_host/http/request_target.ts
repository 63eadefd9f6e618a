/** The parts of a request line, read as Kestrel reads them. */
export interface RequestTarget {
  /** Percent-decoded but for `%2F`, dot segments removed, for routing. */
  path: string;
  /** As sent, for `request.url`. */
  rawPath: string;
  /** As sent, with its `?`, or empty. */
  rawQuery: string;
}

/** Splits a request target, in origin or absolute form. Undefined when it has no path or holds a NUL. */
export function readTarget(url: string): RequestTarget | undefined {
  const origin = url.startsWith('/') ? url : /^https?:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1];
  if (origin === undefined) return undefined;
  const mark = origin.indexOf('?');
  const rawPath = (mark < 0 ? origin : origin.slice(0, mark)) || '/';
  const path = removeDotSegments(decodePath(rawPath));
  if (path.includes('\0') || !path.startsWith('/')) return undefined;
  return { path, rawPath, rawQuery: mark < 0 ? '' : origin.slice(mark) };
}

function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  // An escape that is no UTF-8 stays as it was sent; so does %2F, which would otherwise make new segments.
  return path.replace(/(?:%(?!2f)[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const kept: string[] = [];
  const parts = path.split('/').slice(1);
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (part === '..') kept.pop();
    if (part !== '.' && part !== '..') kept.push(part);
    else if (last) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/**
 * Query parameters as the host hands them over: repeated names, whatever their case, joined with a comma under the first
 * spelling. Security decisions should read `new URL(request.url).searchParams` instead.
 */
export function joinQuery(rawQuery: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  if (rawQuery.length < 2) return query;
  const spellings = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const key = name.toLowerCase();
    const spelling = spellings.get(key) ?? name;
    spellings.set(key, spelling);
    const before = query[spelling];
    query[spelling] = before === undefined ? value : `${before},${value}`;
  }
  return query;
}
