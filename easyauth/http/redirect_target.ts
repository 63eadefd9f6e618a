/** Where a redirect parameter may lead. */
export interface RedirectRules {
  /** Origin of this site. */
  readonly origin: string;
  readonly allowed: readonly string[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters make browsers and parsers disagree
const confusing = /[\u0000-\u0020\u007f\\]/;

/** The part of a URL that the allow-list compares: everything before query and fragment. */
function comparable(url: URL): string {
  const plain = new URL(url.href);
  plain.search = '';
  plain.hash = '';
  return plain.href.replace(/[?#]*$/, '').replace(/\/$/, '');
}

function hasCredentials(url: URL): boolean {
  return url.username !== '' || url.password !== '';
}

/**
 * The absolute address a redirect may go to, or undefined when it may not: a path of this site, this site itself, or an entry of
 * `allowedExternalRedirectUrls`, the query ignored (reference §5.2).
 */
export function redirectTarget(candidate: string, { origin, allowed }: RedirectRules): string | undefined {
  if (candidate === '' || candidate.length > 8_000 || confusing.test(candidate)) return undefined;
  if (candidate.startsWith('/')) {
    const url = URL.canParse(candidate, origin) ? new URL(candidate, origin) : undefined;
    return url?.origin === origin && !candidate.startsWith('//') ? url.href : undefined;
  }
  if (!URL.canParse(candidate)) return undefined;
  const url = new URL(candidate);
  if (hasCredentials(url)) return undefined;
  if (url.origin === origin) return url.href;
  const wanted = comparable(url);
  return allowed.some((entry) => comparable(new URL(entry)) === wanted) ? url.href : undefined;
}
