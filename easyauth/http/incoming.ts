import type { IncomingMessage } from 'node:http';
import type { Settings } from '../config/settings.js';
import type { CookieProfile } from '../session/cookie.js';
import { type Reply, textReply } from './reply.js';
import { type Site, siteOf } from './site.js';
import { parseTarget, type Target } from './target.js';

/** A request as the gateway judges it. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly method: string;
  readonly target: Target;
  readonly site: Site;
  readonly cookies: string | undefined;
  readonly profile: CookieProfile;
  /** A WebSocket upgrade: there is no page to redirect. */
  readonly upgrade: boolean;
}

const once = new Set(['host', 'authorization', 'x-zumo-auth', 'content-length', 'content-type']);

/** Node keeps the first of a doubled header for us but the app would see both: another identity than the one judged. */
function doubled(request: IncomingMessage): boolean {
  const seen = new Set<string>();
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase();
    if (once.has(name) && seen.has(name)) return true;
    seen.add(name);
  }
  return false;
}

/** Reads what every decision needs; a reply when the request cannot be judged at all. */
export function readIncoming(
  request: IncomingMessage,
  settings: Settings,
  upgrade: boolean,
): Incoming | Reply {
  const site = siteOf(request, settings.proxy);
  if (site === undefined) return textReply(400, 'Bad request: the Host header is missing or not a host.');
  if (doubled(request)) return textReply(400, 'Bad request: a header that may be sent once is doubled.');
  const target = parseTarget(request.url ?? '', request.headers.host ?? '');
  if (target === undefined) return textReply(400, 'Bad request: the target is not a path of this site.');
  const plain = !settings.requireHttps || settings.compat.httpOnLoopback === 'true';
  const development = plain && !site.secure && site.loopback;
  return {
    request,
    method: request.method ?? 'GET',
    target,
    site,
    cookies: request.headers.cookie,
    profile: development ? 'development' : 'secure',
    upgrade,
  };
}
