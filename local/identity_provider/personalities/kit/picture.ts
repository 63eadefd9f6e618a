import type { Route } from '../../http/router.js';
import type { Kit } from './kit.js';

/** A picture of a user, by object id: their initial. Claims and profiles point here. */
export function pictureRoute(kit: Kit, path: string): Route {
  const picture = (oid: string): string => {
    const initial = /\p{L}/u.exec(kit.people.byOid(oid)?.user.name ?? '')?.[0] ?? '?';
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" fill="#46c"/><text x="24" y="33" font-family="sans-serif" font-size="26" text-anchor="middle" fill="#fff">${initial}</text></svg>`;
  };
  const headers = { 'content-type': 'image/svg+xml', 'x-content-type-options': 'nosniff' };
  return {
    path: `${path}/:oid`,
    methods: { GET: (_, { oid = '' }) => ({ status: 200, headers, body: picture(oid) }) },
  };
}
