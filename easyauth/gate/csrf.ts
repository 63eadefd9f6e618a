import type { Settings } from '../config/settings.js';
import type { Incoming } from '../http/incoming.js';

const unsafe = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

function originOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { origin } = new URL(url);
  return origin === 'null' ? undefined : origin;
}

function fromBrowser({ request }: Incoming): boolean {
  const agent = request.headers['user-agent'] ?? '';
  return /Mozilla\/|Opera\//.test(agent) || request.headers['sec-fetch-site'] !== undefined;
}

function guarded(incoming: Incoming, mode: Settings['compat']['csrf']): boolean {
  if (mode === 'post-only') return incoming.method === 'POST';
  return incoming.upgrade || unsafe.has(incoming.method);
}

/** Whether a request with a session cookie must be refused as forged by another site (reference §7.1). */
export type CsrfCheck = (incoming: Incoming) => boolean;

/**
 * The rule: of a browser's unsafe request, both Origin and Referer must be this site or an allowed redirect host, or Origin must
 * be this site or a CORS origin.
 */
export function createCsrfCheck(settings: Settings): CsrfCheck {
  const redirectHosts = new Set(settings.allowedExternalRedirectUrls.map(originOf));
  const corsOrigins = new Set(settings.corsOrigins.map(originOf));
  redirectHosts.delete(undefined);
  corsOrigins.delete(undefined);
  return (incoming) => {
    if (!guarded(incoming, settings.compat.csrf) || !fromBrowser(incoming)) return false;
    const { headers } = incoming.request;
    const own = incoming.site.origin;
    const [origin, referer] = [originOf(headers.origin), originOf(headers.referer)];
    const trusted = (set: ReadonlySet<string | undefined>, from: string | undefined) =>
      from !== undefined && (from === own || set.has(from));
    const byRedirectHosts = trusted(redirectHosts, origin) && trusted(redirectHosts, referer);
    return !byRedirectHosts && !trusted(corsOrigins, origin);
  };
}
