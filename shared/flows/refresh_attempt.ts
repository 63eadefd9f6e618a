import { type Connection, type KeptToken, unclaimed } from '../domain/connection.js';
import type { ProviderFailure, Verdict } from '../domain/refresh_result.js';
import type { Provider, Versioned } from '../ports.js';
import { credentialKindOf } from '../providers/rules.js';
import { commitConnection } from './commit_connection.js';
import { type DoubtDeps, doubtOf } from './doubt.js';
import type { RecordFailure } from './record_failure.js';
import { redeem } from './redeem.js';
import type { RefreshOutcome, RefreshRequest } from './refresh_connection.js';
import { type StoreDeps, storeRefreshed } from './store_refreshed.js';
import { prepareSuccessor, type SuccessorDeps } from './successor.js';

/** A request whose connection is claimed. */
export type AttemptRequest = RefreshRequest & {
  /** Registrations whose circuit was open: this call tests whether it may close. */
  readonly probing: readonly string[];
  /** No later than the claim was made, by this instance's clock, ms. */
  readonly claimedAt: number;
};

/** One provider call under a claim, and the commit of whatever came of it. */
export type RefreshAttempt = (
  claimed: Versioned<Connection>,
  kept: KeptToken | undefined,
  request: AttemptRequest,
) => Promise<RefreshOutcome>;

export interface AttemptDeps extends StoreDeps, SuccessorDeps, DoubtDeps {
  readonly provider: Provider;
  readonly recordFailure: RecordFailure;
}

export function createRefreshAttempt(deps: AttemptDeps): RefreshAttempt {
  return async (claimed, kept, request) => {
    if (!isOfKind(deps, claimed.value)) {
      return deps.recordFailure({ claimed, kept, request, failure: KIND_CHANGED, verdict: NEW_SIGN_IN });
    }
    // All that needs the vault comes first: once the provider has answered, nothing may stand between the successor and its place.
    const succeed = await prepareSuccessor(deps, claimed.value, request.target);
    const redeemed = await redeem(deps, claimed.value, { request, failure: kept?.failure });
    if (!redeemed) return giveBack(deps, claimed);
    const { answer } = redeemed;
    if (!answer.ok) return deps.recordFailure({ claimed, kept, request, failure: answer.failure });
    const successor = succeed({ ...redeemed, tokens: answer.tokens });
    const doubt = doubtOf(deps, { connection: claimed.value, tokens: answer.tokens, target: request.target });
    if (!doubt) return storeRefreshed(deps, { claimed, kept, request, successor, tokens: answer.tokens });
    const { keepsSuccessor, ...failed } = doubt;
    return deps.recordFailure({
      ...{ claimed, kept, request, ...failed },
      ...(keepsSuccessor ? { successor } : {}),
    });
  };
}

const KIND_CHANGED: ProviderFailure = { status: 0, error: 'credential_kind_changed', codes: [] };
const NEW_SIGN_IN: Verdict = { class: 'user_action_required' };

/** A credential of another kind than the provider's settings now call for, as of before they were changed, is shown to nobody. */
function isOfKind({ rulesOf }: AttemptDeps, connection: Connection): boolean {
  const { subject, credentialKind = 'refresh_token' } = connection;
  return credentialKind === credentialKindOf(rulesOf(subject.provider));
}

/** Nothing was begun, so whoever comes next may begin at once. */
async function giveBack(deps: AttemptDeps, before: Versioned<Connection>): Promise<RefreshOutcome> {
  await commitConnection(deps, { before, after: unclaimed(before.value) });
  return { kind: 'busy' };
}
