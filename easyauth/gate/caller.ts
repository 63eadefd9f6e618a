import { InvalidTokenError, messageOf, type Substatus, substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import type { Principal } from '../identity/principal.js';
import type { Log } from '../log.js';
import type { Provider } from '../providers/provider.js';
import { readSessionCookie } from '../session/cookie.js';
import { isLive, type Session } from '../session/session.js';
import type { SessionCodec } from '../session/session_codec.js';

/** Who a request comes from. `unavailable`: a token could not be checked because the provider's keys cannot be had. */
export type Caller =
  | { readonly kind: 'anonymous'; readonly substatus: Substatus }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'session'; readonly principal: Principal; readonly session: Session }
  | { readonly kind: 'bearer'; readonly principal: Principal; readonly user: string };

export interface CallerDeps {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly codec: SessionCodec;
  readonly now: () => number;
  readonly log: Log;
}

const unauthenticated: Caller = { kind: 'anonymous', substatus: substatus.unauthenticated };

/** The session a request carries, ended or not; undefined when there is none of ours. */
export function sessionOf({ codec, providers }: CallerDeps, incoming: Incoming): Session | undefined {
  const value = readSessionCookie(incoming.cookies);
  const session = value === undefined ? undefined : codec.open(value);
  return session !== undefined && providers.has(session.principal.provider) ? session : undefined;
}

function bearerToken(incoming: Incoming): string | undefined {
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(incoming.request.headers.authorization ?? '')?.[1];
}

async function bearerCaller(deps: CallerDeps, token: string): Promise<Caller> {
  for (const provider of deps.providers.values()) {
    try {
      const { principal, user } = await provider.authenticate(token);
      return { kind: 'bearer', principal, user };
    } catch (error) {
      deps.log('trace', 'bearer token not accepted', { reason: messageOf(error) });
      if (!(error instanceof InvalidTokenError)) return { kind: 'unavailable' };
    }
  }
  return { kind: 'anonymous', substatus: substatus.invalidToken };
}

/**
 * Who is calling. Of several credentials the `Authorization: Bearer` header decides before the cookie; another scheme there is
 * the app's own affair.
 */
export async function identify(deps: CallerDeps, incoming: Incoming): Promise<Caller> {
  if (/^bearer\b/i.test(incoming.request.headers.authorization ?? ''))
    return bearerCaller(deps, bearerToken(incoming) ?? '');
  const session = sessionOf(deps, incoming);
  if (session === undefined) return unauthenticated;
  if (!isLive(session, deps.now())) return { kind: 'anonymous', substatus: substatus.sessionTimeout };
  return { kind: 'session', principal: session.principal, session };
}
