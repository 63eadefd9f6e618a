import type { Incoming } from '../http/incoming.js';
import type { RouteContext } from './context.js';

/**
 * The origin that may receive the result of a popup: this site, a CORS origin, or the origin of an allowed redirect target. Undefined
 * for every other one, and for anything that is not exactly an origin.
 */
export function completionOrigin({ settings }: RouteContext, incoming: Incoming): string | undefined {
  const asked = incoming.target.query.get('completion_origin') ?? '';
  if (!URL.canParse(asked)) return undefined;
  const url = new URL(asked);
  const { origin } = url;
  if (origin === 'null' || !/^https?:$/.test(url.protocol) || asked.replace(/\/$/, '') !== origin)
    return undefined;
  const allowed = [...settings.allowedExternalRedirectUrls, ...settings.corsOrigins]
    .filter((entry) => URL.canParse(entry))
    .map((entry) => new URL(entry).origin);
  return origin === incoming.site.origin || allowed.includes(origin) ? origin : undefined;
}
