import type { Settings } from '../config/settings.js';
import { InvalidTokenError, messageOf, type Substatus, substatus } from '../errors.js';
import type { Incoming } from '../http/incoming.js';
import type { Principal } from '../identity/principal.js';
import type { Log } from '../log.js';
import { isLive, type Session } from '../session/session.js';
import {
  type CarriedSession,
  type CarrierDeps,
  cookieSession,
  tokenSession,
  zumoHeader,
} from './session_carrier.js';

/** Who a request comes from. `unavailable`: a token could not be checked because the provider's keys cannot be had. */
export type Caller =
  | { readonly kind: 'anonymous'; readonly substatus: Substatus }
  | { readonly kind: 'unavailable' }
  | ({ readonly kind: 'session'; readonly principal: Principal } & CarriedSession)
  | { readonly kind: 'bearer'; readonly principal: Principal; readonly user: string };

export interface CallerDeps extends CarrierDeps {
  readonly settings: Settings;
  readonly now: () => number;
  readonly log: Log;
}

const unauthenticated: Caller = { kind: 'anonymous', substatus: substatus.unauthenticated };
const invalid: Caller = { kind: 'anonymous', substatus: substatus.invalidToken };
const ended: Caller = { kind: 'anonymous', substatus: substatus.sessionTimeout };

/** Asks each provider with bearer tokens in turn. One that cannot be asked matters only when no other one knows the token. */
async function bearerCaller(deps: CallerDeps, token: string): Promise<Caller> {
  let unavailable = false;
  for (const { authenticate } of deps.providers.values()) {
    if (authenticate === undefined) continue;
    try {
      const { principal, user } = await authenticate(token);
      return { kind: 'bearer', principal, user };
    } catch (error) {
      deps.log('trace', 'bearer token not accepted', { reason: messageOf(error) });
      unavailable ||= !(error instanceof InvalidTokenError);
    }
  }
  return unavailable ? { kind: 'unavailable' } : invalid;
}

/** Another scheme than Bearer in `Authorization` is the app's own affair. */
function bearer(deps: CallerDeps, { request }: Incoming): Promise<Caller> | undefined {
  const header = request.headers.authorization ?? '';
  if (!/^bearer\b/i.test(header)) return undefined;
  return bearerCaller(deps, /^Bearer +([\w.~+/=-]+) *$/i.exec(header)?.[1] ?? '');
}

function sessionCaller(deps: CallerDeps, session: Session, carrier: CarriedSession['carrier']): Caller {
  if (!isLive(session, deps.now())) return ended;
  return { kind: 'session', principal: session.principal, session, carrier };
}

async function zumoCaller(deps: CallerDeps, incoming: Incoming): Promise<Caller> {
  const session = await tokenSession(deps, incoming);
  return session === undefined ? invalid : sessionCaller(deps, session, 'token');
}

function zumo(deps: CallerDeps, incoming: Incoming): Promise<Caller> | undefined {
  return zumoHeader(incoming) === undefined ? undefined : zumoCaller(deps, incoming);
}

function cookie(deps: CallerDeps, incoming: Incoming): Caller | undefined {
  const session = cookieSession(deps, incoming);
  return session === undefined ? undefined : sessionCaller(deps, session, 'cookie');
}

type Check = (deps: CallerDeps, incoming: Incoming) => Promise<Caller> | Caller | undefined;

const orders: Readonly<Record<Settings['compat']['credentialPrecedence'], readonly Check[]>> = {
  'zumo-bearer-cookie': [zumo, bearer, cookie],
  'bearer-zumo-cookie': [bearer, zumo, cookie],
  'cookie-zumo-bearer': [cookie, zumo, bearer],
};

/**
 * Who is calling. Of several credentials the first in the configured order decides, good or not; only an ended cookie gives way to
 * the next (reference §7.2, §14).
 */
export async function identify(deps: CallerDeps, incoming: Incoming): Promise<Caller> {
  let last = unauthenticated;
  for (const check of orders[deps.settings.compat.credentialPrecedence]) {
    const found = check(deps, incoming);
    if (found === undefined) continue;
    const caller = found instanceof Promise ? await found : found;
    if (check !== cookie || caller.kind !== 'anonymous') return caller;
    last = caller;
  }
  return last;
}
