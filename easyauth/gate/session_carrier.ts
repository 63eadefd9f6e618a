import type { Compat } from '../config/compat.js';
import type { Incoming } from '../http/incoming.js';
import type { Provider } from '../providers/provider.js';
import { readSessionCookie } from '../session/cookie.js';
import type { Session } from '../session/session.js';
import type { SessionCodec } from '../session/session_codec.js';
import type { SessionTokens } from '../session/session_token.js';

export interface CarrierDeps {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly codec: SessionCodec;
  readonly sessionTokens: SessionTokens;
}

/** A session and what carried it: only a cookie is sent by a browser unasked. */
export interface CarriedSession {
  readonly session: Session;
  readonly carrier: 'cookie' | 'token';
}

/** The raw session token of a request; undefined without the header. */
export function zumoHeader({ request }: Incoming): string | undefined {
  const value = request.headers['x-zumo-auth'];
  return Array.isArray(value) ? value[0] : value;
}

function known({ providers }: CarrierDeps, session: Session | undefined): Session | undefined {
  return session !== undefined && providers.has(session.principal.provider) ? session : undefined;
}

/** The session in the cookie, ended or not; undefined when there is none of ours. */
export function cookieSession(deps: CarrierDeps, incoming: Incoming): Session | undefined {
  const value = readSessionCookie(incoming.cookies);
  return value === undefined ? undefined : known(deps, deps.codec.open(value));
}

/** The session in `X-ZUMO-AUTH`, ended or not; undefined when there is none of this site. */
export async function tokenSession(deps: CarrierDeps, incoming: Incoming): Promise<Session | undefined> {
  const value = zumoHeader(incoming);
  if (value === undefined) return undefined;
  return known(deps, await deps.sessionTokens.open(value, `${incoming.site.origin}/`));
}

/**
 * The session a request carries, ended or not. Where both are sent the session token decides, even one that is not good, unless the
 * cookie comes first by configuration.
 */
export async function carriedSession(
  deps: CarrierDeps,
  incoming: Incoming,
  precedence: Compat['credentialPrecedence'],
): Promise<CarriedSession | undefined> {
  const cookie = cookieSession(deps, incoming);
  const cookieFirst = precedence === 'cookie-zumo-bearer' && cookie !== undefined;
  if (zumoHeader(incoming) !== undefined && !cookieFirst) {
    const session = await tokenSession(deps, incoming);
    return session === undefined ? undefined : { session, carrier: 'token' };
  }
  return cookie === undefined ? undefined : { session: cookie, carrier: 'cookie' };
}
