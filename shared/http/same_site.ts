import type { HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';

const OWN_FETCH_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

/**
 * Refuses a state-changing request that another site made the user's browser send. Browsers say where a request comes from; a caller
 * that says nothing is no browser, and could not have been tricked. The JSON media type, asserted elsewhere, keeps plain forms out of
 * browsers too old to say.
 */
export function assertSameSite(request: HttpRequest, publicOrigin: string): void {
  const fetchSite = request.headers.get('sec-fetch-site');
  const origin = request.headers.get('origin');
  const foreignFetch = fetchSite !== null && !OWN_FETCH_SITES.has(fetchSite.toLowerCase());
  const foreignOrigin = origin !== null && origin !== publicOrigin;
  if (foreignFetch || foreignOrigin) {
    throw new Refusal('cross_site_request', { description: 'the request comes from another site' });
  }
}
