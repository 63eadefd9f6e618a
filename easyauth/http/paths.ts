/** Characters whose percent-encoded form servers may or may not decode before they look at a path. */
const ambiguousOctet = /^[\w.~/\\%;?#-]$/;

function plainEscapes(path: string): boolean {
  for (const match of path.matchAll(/%(..?)?/g)) {
    const hex = match[1] ?? '';
    if (!/^[0-9a-f]{2}$/i.test(hex)) return false;
    const octet = Number.parseInt(hex, 16);
    if (octet < 0x20 || octet === 0x7f || ambiguousOctet.test(String.fromCharCode(octet))) return false;
  }
  return true;
}

/** Overlong forms such as `%c0%ae` are no UTF-8, yet some servers read a dot there. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether every server reads this path alike: no dot segments, empty segments, path parameters, backslashes, raw octets outside
 * ASCII, and no escapes of characters that need none.
 */
export function isPlainPath(path: string): boolean {
  if (/[\\;]|\/\/|[^\x21-\x7e]/.test(path)) return false;
  if (/\/\.{1,2}(?:\/|$)/.test(path)) return false;
  return plainEscapes(path) && isUtf8(path);
}

/**
 * Which paths pass without authentication: exact ones, and subtrees given with a closing `/*`. Compared with case. A path that
 * could be read in two ways is never excluded, except where everything is.
 */
export function createExclusions(patterns: readonly string[]): (path: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('/*')));
  const prefixes = patterns
    .filter((pattern) => pattern.endsWith('/*'))
    .map((pattern) => pattern.slice(0, -1));
  const everything = prefixes.includes('/');
  return (path) => {
    if (everything) return true;
    if (!exact.has(path) && !prefixes.some((prefix) => path.startsWith(prefix))) return false;
    return isPlainPath(path);
  };
}

/** The route below `prefix` without its leading slash; undefined when the path is not under it. The prefix compares without case. */
export function routeUnder(prefix: string, path: string): string | undefined {
  const head = path.slice(0, prefix.length).toLowerCase();
  if (head !== prefix.toLowerCase()) return undefined;
  const rest = path.slice(prefix.length);
  if (rest === '') return '';
  return rest.startsWith('/') ? rest.slice(1) : undefined;
}
