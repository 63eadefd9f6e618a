/** A request target split; `raw` goes upstream as it came. */
export interface Target {
  readonly raw: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** `?…`, or empty. */
  readonly search: string;
}

const visible = /^[\x21-\x7e\x80-\xff]+$/;

function originForm(raw: string, host: string): string | undefined {
  if (raw.startsWith('/')) return raw;
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(raw);
  if (absolute === null || absolute[1]?.toLowerCase() !== host.toLowerCase()) return undefined;
  const rest = absolute[2] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * Splits a request target (RFC 9112 §3.2). The absolute form is accepted for the host the request names; undefined for anything
 * that is no path of this site.
 */
export function parseTarget(url: string, host: string): Target | undefined {
  const raw = originForm(url, host);
  if (raw === undefined || !visible.test(raw) || raw.includes('#')) return undefined;
  const at = raw.indexOf('?');
  const path = at < 0 ? raw : raw.slice(0, at);
  const search = at < 0 ? '' : raw.slice(at);
  let query: URLSearchParams | undefined;
  return {
    raw,
    path,
    search,
    get query() {
      query ??= new URLSearchParams(search);
      return query;
    },
  };
}
