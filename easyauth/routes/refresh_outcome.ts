import { InvalidTokenError, messageOf, ProviderError, type Substatus, substatus } from '../errors.js';
import type { Principal } from '../identity/principal.js';
import type { Provider } from '../providers/provider.js';
import type { Session } from '../session/session.js';
import type { TokenEntry } from '../store/token_entry.js';
import type { Lease } from '../store/token_store.js';
import type { TokenVault } from '../store/token_vault.js';
import type { RouteContext } from './context.js';

/** A refresh that ended so shortly before a request began counts for it: parallel callers do not arrive at the same instant. */
const togetherMs = 1_000;

export interface Renewed {
  /** Who the user is now; undefined when the provider did not say so again. */
  readonly principal: Principal | undefined;
  readonly expiresAt: number | undefined;
}
export type Outcome = { renewed: Renewed } | { status: number; substatus: Substatus; reason?: string };

export interface Job {
  readonly session: Session;
  readonly provider: Provider;
  readonly vault: TokenVault;
  /** When the request came, in milliseconds since 1970. */
  readonly askedAt: number;
  readonly redirectUri: string;
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
async function isTaken({ vault, session, provider }: Job, lease: Lease, entry: TokenEntry): Promise<boolean> {
  if (!(await lease.lost())) return false;
  const present = (await vault.find(session.user))?.entries.get(provider.alias);
  return present?.refreshToken !== entry.refreshToken;
}

/** Redeems under the user's lock; what another caller has just brought is used instead of a second call to the provider. */
export async function renew({ settings, now }: RouteContext, job: Job): Promise<Outcome> {
  const { session, provider, vault } = job;
  const { compat } = settings;
  if (!provider.refreshes)
    return { status: Number(compat.unsupportedRefresh), substatus: substatus.refreshTokenNotSupported };
  return vault.exclusive(session.user, async (lease): Promise<Outcome> => {
    const entry = (await vault.find(session.user))?.entries.get(provider.alias);
    if (entry?.refreshedAt !== undefined && entry.refreshedAt >= job.askedAt - togetherMs)
      return {
        renewed: { principal: { ...session.principal, claims: entry.claims }, expiresAt: entry.expiresAt },
      };
    if (entry?.refreshToken === undefined)
      return { status: Number(compat.missingRefreshToken), substatus: substatus.refreshTokenUnavailable };
    try {
      const { redirectUri } = job;
      const request = { user: session.user, entry, refreshToken: entry.refreshToken, redirectUri };
      const { principal, tokens } = await provider.refresh(request);
      const renewed: TokenEntry = { ...tokens, refreshedAt: now(), refusedAt: undefined };
      if (!(await isTaken(job, lease, entry))) await vault.put(session.user, renewed);
      return { renewed: { principal, expiresAt: renewed.expiresAt } };
    } catch (error) {
      const over = error instanceof ProviderError && error.code === 'invalid_grant';
      if (over && !(await isTaken(job, lease, entry)))
        await vault.put(session.user, { ...entry, refusedAt: now() });
      return refused(error);
    }
  });
}
