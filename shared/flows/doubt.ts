import type { Connection, Target } from '../domain/connection.js';
import type { ProviderFailure, Verdict } from '../domain/refresh_result.js';
import { beyond } from '../domain/scope.js';
import { type Subject, sameSubject } from '../domain/subject.js';
import type { Policy } from '../policy.js';
import type { ProviderTokens, Tokens } from '../ports.js';

export interface DoubtDeps {
  readonly tokens: Tokens;
  readonly policy: Policy;
}

/** Why an answer by which all went well is not taken at its word. */
export interface Doubt {
  readonly failure: ProviderFailure;
  readonly verdict: Verdict;
  /**
   * Whether the new refresh token is stored all the same. Without it a provider that has spent the old one would have ended the connection;
   * no access token is stored or handed out with it, and whose it is must be proven before one is.
   */
  readonly keepsSuccessor: boolean;
}

const OURS: Verdict = { class: 'broker_misconfigured' };
/** Consent and policy change slowly. */
const WIDER: Verdict = { class: 'broker_misconfigured', waitSeconds: 3600 };

/** The failure of a target whose token holds more than policy lets anybody have. */
export const SCOPE_WIDER = 'scope_wider';

/**
 * Continuity: the same user (OpenID Connect Core §12.2), no more scope than was consented to (RFC 6749 §6), a kind of token we know.
 * A refresh that comes back for another user ends the connection, and nothing of it is kept. One that names nobody proves nothing either
 * way: it is asked again later.
 */
export function doubtOf(
  deps: DoubtDeps,
  { connection, tokens, target }: { connection: Connection; tokens: ProviderTokens; target: Target },
): Doubt | undefined {
  const { subject } = connection;
  const named = tokens.subject ?? subjectOf(deps, connection, tokens);
  if (!named) return { failure: refused('subject_unproven'), verdict: OURS, keepsSuccessor: true };
  if (!sameSubject(named, subject)) {
    return { failure: refused('subject_changed'), verdict: { class: 'grant_dead' }, keepsSuccessor: false };
  }
  if (!isBearer(tokens)) return { failure: refused('token_type'), verdict: OURS, keepsSuccessor: true };
  return isWider(deps, target, tokens)
    ? { failure: refused(SCOPE_WIDER), verdict: WIDER, keepsSuccessor: true }
    : undefined;
}

function subjectOf(
  deps: DoubtDeps,
  { subject }: Connection,
  { idToken }: ProviderTokens,
): Subject | undefined {
  return idToken === undefined ? undefined : deps.tokens.subjectOf(subject.provider, idToken);
}

/** RFC 6750: all that the broker hands out of a provider's. Silence is taken for it, as most clients do. */
function isBearer({ tokenType }: ProviderTokens): boolean {
  return tokenType === undefined || tokenType.toLowerCase() === 'bearer';
}

function isWider({ policy }: DoubtDeps, { resource, scope }: Target, tokens: ProviderTokens): boolean {
  if (resource === undefined) return false;
  const rules = policy.resources.get(resource);
  const allowed = rules !== undefined && rules.narrowing !== 'minted' && rules.allowWider;
  return !allowed && beyond(tokens.scope, scope).length > 0;
}

function refused(error: string): ProviderFailure {
  return { status: 200, error, codes: [] };
}
