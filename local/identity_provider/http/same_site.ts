import { headerOf, type Incoming } from './incoming.js';

/** Whether a browser says the request comes from a page of another origin. Programs send neither header and pass. */
export function isFromOtherSite(incoming: Incoming): boolean {
  const site = headerOf(incoming, 'sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const origin = headerOf(incoming, 'origin');
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headerOf(incoming, 'host');
}
