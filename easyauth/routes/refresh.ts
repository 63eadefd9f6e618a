import { InvalidTokenError, messageOf, ProviderError, type Substatus, substatus } from '../errors.js';
import { sessionOf } from '../gate/caller.js';
import { challengeReply } from '../gate/unauthenticated.js';
import type { Incoming } from '../http/incoming.js';
import { emptyReply, type Reply } from '../http/reply.js';
import type { Principal } from '../identity/principal.js';
import type { Provider } from '../providers/provider.js';
import { setSessionCookies } from '../session/cookie.js';
import { isLive, type Session, startSession } from '../session/session.js';
import type { TokenEntry } from '../store/token_entry.js';
import type { TokenVault } from '../store/token_vault.js';
import type { Route, RouteContext } from './context.js';

/** A refresh that ended so shortly before a request began counts for it: parallel callers do not arrive at the same instant. */
const togetherMs = 1_000;

interface Renewed {
  readonly principal: Principal | undefined;
  readonly expiresAt: number | undefined;
}
type Outcome = { renewed: Renewed } | { status: number; substatus: Substatus; reason?: string };

interface Job {
  readonly session: Session;
  readonly provider: Provider;
  readonly vault: TokenVault;
  readonly askedAt: number;
}

function missing(context: RouteContext, job: Job): Outcome {
  if (!job.provider.refreshes) return { status: 400, substatus: substatus.refreshTokenNotSupported };
  const status = Number(context.settings.compat.missingRefreshToken);
  return { status, substatus: substatus.refreshTokenUnavailable };
}

function refused(error: unknown): Outcome {
  const reason = messageOf(error);
  if (error instanceof InvalidTokenError)
    return { status: 403, substatus: substatus.refreshTokenInvalid, reason };
  if (!(error instanceof ProviderError)) throw error;
  const outcomes = {
    rejected: { status: 403, substatus: substatus.refreshTokenInvalid, reason },
    misconfigured: { status: 500, substatus: substatus.configurationError, reason },
    unreachable: { status: 502, substatus: substatus.internalModuleFailure, reason },
  };
  return outcomes[error.failure];
}

/** Whether somebody took over the lock and changed or removed the entry meanwhile: then ours is the older one. */
async function isChanged({ vault, session, provider }: Job, entry: TokenEntry): Promise<boolean> {
  const present = (await vault.find(session.user))?.entries.get(provider.alias);
  return present?.refreshToken !== entry.refreshToken;
}

/** Redeems under the user's lock; what another caller has just brought is used instead of a second call to the provider. */
async function renew(context: RouteContext, job: Job): Promise<Outcome> {
  const { session, provider, vault } = job;
  return vault.exclusive(session.user, async (lease): Promise<Outcome> => {
    const entry = (await vault.find(session.user))?.entries.get(provider.alias);
    if (entry?.refreshedAt !== undefined && entry.refreshedAt >= job.askedAt - togetherMs)
      return {
        renewed: { principal: { ...session.principal, claims: entry.claims }, expiresAt: entry.expiresAt },
      };
    if (entry?.refreshToken === undefined) return missing(context, job);
    try {
      const request = { user: session.user, entry, refreshToken: entry.refreshToken };
      const { principal, tokens } = await provider.refresh(request);
      const renewed: TokenEntry = { ...tokens, refreshedAt: context.now() };
      const taken = (await lease.lost()) && (await isChanged(job, entry));
      if (!taken) await vault.put(session.user, renewed);
      return { renewed: { principal, expiresAt: renewed.expiresAt } };
    } catch (error) {
      return refused(error);
    }
  });
}

function renewedSession(context: RouteContext, incoming: Incoming, old: Session, renewed: Renewed): Reply {
  const { settings, codec } = context;
  const session = startSession(settings.cookie, {
    user: old.user,
    principal: renewed.principal ?? old.principal,
    now: context.now(),
    providerExpiresAt: renewed.expiresAt,
  });
  const { profile, cookies: sent } = incoming;
  const cookies = setSessionCookies({
    value: codec.seal(session),
    expiresAt: session.expiresAt,
    profile,
    sent,
  });
  context.log('info', 'refreshed', { provider: old.principal.provider, session: old.sid });
  return emptyReply(200, { headers: cookies.flatMap((cookie) => ['Set-Cookie', cookie]) });
}

/**
 * `GET|POST /.auth/refresh`: new provider tokens and a new session cookie (reference §4). The session may have ended up to the
 * extension (72 h) ago; provider tokens have no such grace. 401 without a session, 403 or 400 when there is nothing to redeem or
 * the provider refuses it, 5xx when the provider cannot be reached, 404 while the token store is off.
 */
export const refresh: Route = async (context, incoming) => {
  const { vault, settings } = context;
  const askedAt = context.now();
  if (!['GET', 'HEAD', 'POST'].includes(incoming.method))
    return emptyReply(405, { headers: ['Allow', 'GET, POST'] });
  if (vault === undefined) return emptyReply(404);
  const session = sessionOf(context, incoming);
  if (session === undefined) return challengeReply(context, incoming);
  if (!isLive(session, askedAt, settings.refreshExtensionMs))
    return challengeReply(context, incoming, substatus.sessionTimeout);
  if (context.isForged(incoming)) return emptyReply(403, { substatus: substatus.crossSiteRequestForgery });
  const provider = context.providers.get(session.principal.provider);
  if (provider === undefined) return challengeReply(context, incoming);
  const outcome = await renew(context, { session, provider, vault, askedAt });
  if ('renewed' in outcome) return renewedSession(context, incoming, session, outcome.renewed);
  const { status, ...cause } = outcome;
  return emptyReply(status, cause);
};
