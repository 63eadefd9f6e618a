import type { ProviderSettings } from '../config.js';
import type { GrantEndedBy } from '../domain/grant.js';
import type { Subject } from '../domain/subject.js';
import { createAssertWithinLimits } from '../flows/assert_within_limits.js';
import { clientsByAppId, createAuthenticateClient } from '../flows/authenticate_client.js';
import { createAuthorize } from '../flows/authorize.js';
import { createCountChallenge } from '../flows/challenge_budget.js';
import { createCheckHealth } from '../flows/check_health.js';
import { createCreateGrant } from '../flows/create_grant.js';
import { createDeathGuard } from '../flows/death_guard.js';
import { createDecideToken } from '../flows/decide_token.js';
import { createEndConnection } from '../flows/end_connection.js';
import { endGrant } from '../flows/end_grant.js';
import { createHandOver } from '../flows/hand_over.js';
import { createIntrospectToken } from '../flows/introspect_token.js';
import { createIssueToken } from '../flows/issue_token.js';
import { createPlanUpkeep } from '../flows/plan_upkeep.js';
import { createProviderBudget } from '../flows/provider_budget.js';
import { createRecordFailure } from '../flows/record_failure.js';
import { createRefreshAttempt } from '../flows/refresh_attempt.js';
import { createRefreshConnection } from '../flows/refresh_connection.js';
import { refreshTogether } from '../flows/refresh_together.js';
import { rememberTokens } from '../flows/remember_tokens.js';
import { createRevokeToken } from '../flows/revoke_token.js';
import { createSweepSpill } from '../flows/sweep_spill.js';
import { createTakeOverConnection } from '../flows/take_over_connection.js';
import { createTokenEndpoint } from '../flows/token_endpoint.js';
import { createAuthorizationCodeGrant } from '../grant_types/authorization_code.js';
import { createRefreshTokenGrant } from '../grant_types/refresh_token.js';
import { createTokenExchangeGrant } from '../grant_types/token_exchange.js';
import type { Adapters, Settings } from './adapters.js';
import type { System } from './system.js';
import { createUpkeep } from './upkeep.js';

/** Spent codes removed in one go: a slice that ends well within a function's time. */
const SWEPT_AT_ONCE = 1000;

export type Flows = ReturnType<typeof createFlows>;

/** Every use case, handed what it names. */
export function createFlows(deps: System & Adapters & Settings) {
  const { config, policy, audit, clock, random, grants } = deps;
  const authenticateClient = createAuthenticateClient(deps);
  const rules = { windowSeconds: config.refreshWindowSeconds, livenessSeconds: config.livenessSeconds };
  const planUpkeep = createPlanUpkeep({ ...deps, rules });
  const deathGuard = createDeathGuard(deps);
  const recordFailure = createRecordFailure({ ...deps, planUpkeep, mayBury: deathGuard.mayBury });
  const attempt = createRefreshAttempt({ ...deps, planUpkeep, recordFailure });
  const budget = createProviderBudget({ ...deps, rates: config.providerRates });
  const refresh = refreshTogether(
    createRefreshConnection({ ...deps, attempt, countCall: budget.forCaller }),
    clock,
  );
  const takeOver = createTakeOverConnection({ ...deps, planUpkeep });
  const heldGrants = {
    ...deps,
    issuer: config.issuer,
    audiences: config.aad.audiences,
    clientsByAppId: clientsByAppId(policy),
  };
  const endConnection = createEndConnection(deps);
  const isAdmitted = admittedBy(config.aad);
  const upkeep = createUpkeep({ ...deps, planUpkeep, refresh, budget, deathGuard, endConnection });
  const createGrant = createCreateGrant({ ...deps, planUpkeep, takeOver });
  const endOneGrant = (grantId: string, by: { by: GrantEndedBy; correlationId: string }) =>
    endGrant({ grants, audit, clock, random }, grantId, by);
  return {
    takeOver,
    endConnection,
    createGrant,
    endGrant: endOneGrant,
    authorize: createAuthorize({ ...deps, createGrant, takeOver }),
    sweepSpill: createSweepSpill(deps),
    sweepCodes: async () => {
      await deps.codes.sweep(clock(), SWEPT_AT_ONCE);
    },
    tokenEndpoint: createTokenEndpoint({
      ...deps,
      tokenUrl: `${config.issuer}/token`,
      authorizeUrl: `${config.issuer}/authorize`,
      authenticateClient,
      decide: createDecideToken({ policy, membershipOf: deps.recent.membershipOf }),
      assertWithinLimits: createAssertWithinLimits({ ...deps, isActive: deps.recent.isActive }),
      grantTypes: [
        createAuthorizationCodeGrant({ ...deps, endGrant: endOneGrant }),
        createRefreshTokenGrant(heldGrants),
        createTokenExchangeGrant(heldGrants),
      ],
      issue: createIssueToken({
        ...deps,
        policy,
        isAdmitted,
        countChallenge: createCountChallenge(deps),
        isActive: deps.recent.isActive,
        handOver: createHandOver({ ...deps, windowSeconds: config.refreshWindowSeconds }),
        refresh: rememberTokens(refresh, { recent: deps.recent.tokens, clock }),
      }),
    }),
    revokeToken: createRevokeToken({ ...deps, authenticateClient }),
    introspectToken: createIntrospectToken({ ...deps, isAdmitted, authenticateClient }),
    ...upkeep,
    checkHealth: createCheckHealth({ ...deps, watchTimer: upkeep.watchTimer }),
  };
}

function admittedBy({ name, tenant, tenants }: ProviderSettings): (subject: Subject) => boolean {
  const admitted = new Set(tenants ? tenants.map((each) => each.tenant) : [tenant]);
  return (subject) => subject.provider !== name || admitted.has(subject.tenant);
}
