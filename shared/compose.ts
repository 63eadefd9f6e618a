import { setTimeout as sleep } from 'node:timers/promises';

import { createHttpClient, type HttpClient } from './adapters/http_client.js';
import { createClientAssertions } from './adapters/jose/client_assertions.js';
import { createDpopNonces } from './adapters/jose/dpop_nonces.js';
import { createDpopProofs } from './adapters/jose/dpop_proofs.js';
import { createKeyRing } from './adapters/jose/key_ring.js';
import { createTokens } from './adapters/jose/tokens.js';
import { withVerifiedTokens } from './adapters/jose/verified_tokens.js';
import { createProviderDocuments } from './adapters/provider/metadata.js';
import { type ConfiguredProvider, createProvider } from './adapters/provider/token_client.js';
import { createRecentConnections, withRecentGrants } from './adapters/recent_reads.js';
import { createSharedSecret } from './adapters/shared_secret.js';
import { consoleLog, systemClock, systemRandom } from './adapters/system.js';
import { createAuditLog, createFailureLog } from './adapters/tables/audit.js';
import { createCircuitStore, createHeartbeat } from './adapters/tables/circuits.js';
import { createConnectionStore } from './adapters/tables/connections.js';
import { createDueIndex } from './adapters/tables/due.js';
import { createGrantStore } from './adapters/tables/grants.js';
import { createTables } from './adapters/tables/service.js';
import { createSigningKeyStore } from './adapters/tables/signing_keys.js';
import { createReplayStore, createRevokedTokens } from './adapters/tables/token_ids.js';
import { createVault } from './adapters/vault/envelope.js';
import { createKeyFile } from './adapters/vault/key_file.js';
import { createKeyVault } from './adapters/vault/key_vault.js';
import type { Config, Environment } from './config.js';
import { Refusal } from './domain/errors.js';
import { createAudited } from './flows/audited.js';
import { clientsByAppId, createAuthenticateClient } from './flows/authenticate_client.js';
import { createCheckHealth } from './flows/check_health.js';
import { createCreateGrant } from './flows/create_grant.js';
import { createEndConnection } from './flows/end_connection.js';
import { endGrant } from './flows/end_grant.js';
import { createIntrospectToken } from './flows/introspect_token.js';
import { createIssueToken } from './flows/issue_token.js';
import { createPlanUpkeep } from './flows/plan_upkeep.js';
import { createRecordFailure } from './flows/record_failure.js';
import { createRefreshAttempt } from './flows/refresh_attempt.js';
import { createRefreshConnection } from './flows/refresh_connection.js';
import { rememberTokens } from './flows/remember_tokens.js';
import { createRevokeToken } from './flows/revoke_token.js';
import { createTakeOverConnection } from './flows/take_over_connection.js';
import { createTokenEndpoint } from './flows/token_endpoint.js';
import { createFindDue, createWorkDue, type FindDue, type WorkDue } from './flows/upkeep.js';
import { createRefreshTokenGrant } from './grant_types/refresh_token.js';
import { createTokenExchangeGrant } from './grant_types/token_exchange.js';
import { createAuditEventsHandler, createRefreshFailuresHandler } from './http/audit.js';
import { createIdentify } from './http/caller.js';
import {
  createConnectHandler,
  createEndConnectionHandler,
  createListConnectionsHandler,
} from './http/connections.js';
import type { HttpHandler } from './http/endpoint.js';
import { createEndGrantHandler, createGrantHandler, createListGrantsHandler } from './http/grants.js';
import { createLiveHandler, createReadyHandler } from './http/health.js';
import { createEntry, type Entry } from './http/host.js';
import { createJwksHandler, createMetadataHandler } from './http/metadata.js';
import { createTokenHandler } from './http/token.js';
import { createIntrospectHandler, createRevokeHandler } from './http/token_status.js';
import type { Policy } from './policy.js';
import type { Clock, Log, Random } from './ports.js';
import { aad } from './providers/aad.js';
import type { ProviderRules } from './providers/rules.js';
import { readSettings } from './settings.js';

/** Everything the entry points call. */
export interface Broker {
  readonly http: Readonly<Record<HttpRoute, HttpHandler>>;
  readonly findDue: FindDue;
  readonly workDue: WorkDue;
}

export type HttpRoute =
  | 'connect'
  | 'listConnections'
  | 'endConnection'
  | 'createGrant'
  | 'listGrants'
  | 'endGrant'
  | 'token'
  | 'revoke'
  | 'introspect'
  | 'metadata'
  | 'jwks'
  | 'auditEvents'
  | 'refreshFailures'
  | 'ready';

/** What a test may put in place of the machine's own. */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly sleep: (ms: number) => Promise<void>;
}

const SYSTEM: System = {
  clock: systemClock,
  random: systemRandom,
  log: consoleLog,
  sleep: async (ms) => {
    await sleep(ms);
  },
};

/**
 * Builds the broker from its settings.
 * @throws ConfigRefused with every problem of settings and policy
 */
export function composeBroker(env: Environment, system: System = SYSTEM): Broker {
  const { config, policy } = readSettings(env);
  logConfigured(system.log, { config, policy });
  const adapters = createAdapters({ config, policy }, system);
  const flows = createFlows({ ...system, ...adapters, config, policy });
  const gate = () => assertEasyAuthOn(config);
  const endpoint = { gate, log: system.log };
  const user = {
    audited: createAudited({ ...system, audit: adapters.audit }),
    identify: createIdentify({ tokens: adapters.tokens, sessionMaxSeconds: config.sessionMaxSeconds }),
    publicOrigin: new URL(config.issuer).origin,
    endpoint,
  };
  const connections = {
    ...user,
    connections: adapters.connections,
    takeOver: flows.takeOver,
    end: flows.endConnection,
  };
  const grants = {
    ...user,
    grants: adapters.grants,
    createGrant: flows.createGrant,
    endGrant: flows.endGrant,
    clientsByAppId: clientsByAppId(policy),
    clock: system.clock,
  };
  const audit = { ...user, ...system, audit: adapters.audit, failures: adapters.failures };
  return {
    findDue: flows.findDue,
    workDue: flows.workDue,
    http: {
      connect: createConnectHandler(connections),
      listConnections: createListConnectionsHandler(connections),
      endConnection: createEndConnectionHandler(connections),
      createGrant: createGrantHandler(grants),
      listGrants: createListGrantsHandler(grants),
      endGrant: createEndGrantHandler(grants),
      token: createTokenHandler({ flow: flows.tokenEndpoint, proofs: adapters.proofs }, endpoint),
      revoke: createRevokeHandler(flows.revokeToken, endpoint),
      introspect: createIntrospectHandler(flows.introspectToken, config.issuer, endpoint),
      metadata: createMetadataHandler({ issuer: config.issuer, policy }, endpoint),
      jwks: createJwksHandler(adapters, endpoint),
      auditEvents: createAuditEventsHandler(audit),
      refreshFailures: createRefreshFailuresHandler(audit),
      ready: createReadyHandler(flows.checkHealth, system),
    },
  };
}

/** What an operator looks for first: which policy is in force, and where the keys are. */
function logConfigured(log: Log, { config, policy }: Settings): void {
  log.info('broker configured', {
    issuer: config.issuer,
    easyAuth: config.easyAuthOn,
    clients: policy.clients.size,
    resources: policy.resources.size,
    policyHash: policy.hash,
    vault: 'keyFile' in config.vault ? 'key file' : 'key vault',
  });
}

/** Trusting platform headers without the platform would let anybody be anybody: fail closed until Easy Auth is known to be on. */
function assertEasyAuthOn(config: Config): void {
  if (config.easyAuthOn) return;
  throw new Refusal('easy_auth_off', {
    description: 'App Service authentication is not on for this app (WEBSITE_AUTH_ENABLED)',
  });
}

type Adapters = ReturnType<typeof createAdapters>;

interface Settings {
  readonly config: Config;
  readonly policy: Policy;
}

function createAdapters({ config, policy }: Settings, { clock, random }: System) {
  const table = createTables(config.tables);
  const vault = createVault(
    'keyFile' in config.vault ? createKeyFile(config.vault.keyFile) : createKeyVault(config.vault.keyId),
  );
  const http = createHttpClient();
  const providers = createProviders(config, { http, clock });
  const replay = createReplayStore(table('tokenIds'), random);
  const secretFor = createSharedSecret({ table: table('signingKeys'), vault, random });
  const nonces = createDpopNonces({
    secret: secretFor('dpop-nonce'),
    clock,
    required: config.dpopNonceRequired,
  });
  const recent = createRecentConnections(createConnectionStore(table('connections')), clock);
  const keyRing = createKeyRing({
    store: createSigningKeyStore(table('signingKeys')),
    vault,
    clock,
    random,
  });
  return {
    vault,
    connections: recent.store,
    recent,
    grants: withRecentGrants(createGrantStore(table('grants')), clock),
    due: createDueIndex(table('due')),
    audit: createAuditLog(table('audit')),
    failures: createFailureLog(table('refreshFailures')),
    revoked: createRevokedTokens(table('tokenIds')),
    replay,
    proofs: createDpopProofs({ replay, nonces, clock }),
    assertions: createClientAssertions({ issuer: config.issuer, clients: policy.clients, http, clock }),
    circuits: createCircuitStore(table('circuits')),
    heartbeat: createHeartbeat(table('heartbeat')),
    provider: createProvider(providers, http),
    tokens: withVerifiedTokens(
      createTokens({ issuer: config.issuer, providers, keyRing, clock, random }),
      clock,
    ),
    rulesOf: rulesByName(providers),
    providers: [...providers.keys()],
  };
}

function createProviders(
  config: Config,
  deps: { http: HttpClient; clock: Clock },
): ReadonlyMap<string, ConfiguredProvider> {
  const settings = config.aad;
  return new Map([[aad.name, { settings, rules: aad, documents: createProviderDocuments(settings, deps) }]]);
}

function rulesByName(providers: ReadonlyMap<string, ConfiguredProvider>): (name: string) => ProviderRules {
  return (name) => {
    const provider = providers.get(name);
    if (!provider) throw new Error('a connection names a provider that is not configured');
    return provider.rules;
  };
}

function createFlows(deps: System & Adapters & { config: Config; policy: Policy }) {
  const { config, policy, audit, clock, random, grants } = deps;
  const authenticateClient = createAuthenticateClient(deps);
  const rules = { windowSeconds: config.refreshWindowSeconds, livenessSeconds: config.livenessSeconds };
  const planUpkeep = createPlanUpkeep({ ...deps, rules });
  const recordFailure = createRecordFailure({ ...deps, planUpkeep });
  const attempt = createRefreshAttempt({ ...deps, planUpkeep, recordFailure });
  const refresh = createRefreshConnection({ ...deps, attempt });
  const takeOver = createTakeOverConnection({ ...deps, planUpkeep });
  const heldGrants = {
    ...deps,
    issuer: config.issuer,
    audiences: config.aad.audiences,
    clientsByAppId: clientsByAppId(policy),
  };
  return {
    takeOver,
    endConnection: createEndConnection(deps),
    createGrant: createCreateGrant({ ...deps, planUpkeep, takeOver }),
    endGrant: (grantId: string, by: { by: 'subject' | 'client'; correlationId: string }) =>
      endGrant({ grants, audit, clock, random }, grantId, by),
    tokenEndpoint: createTokenEndpoint({
      ...deps,
      tokenUrl: `${config.issuer}/token`,
      authenticateClient,
      grantTypes: [createRefreshTokenGrant(heldGrants), createTokenExchangeGrant(heldGrants)],
      issue: createIssueToken({
        ...deps,
        policy,
        isActive: deps.recent.isActive,
        refresh: rememberTokens(refresh, { recent: deps.recent.tokens, clock }),
      }),
    }),
    revokeToken: createRevokeToken({ ...deps, authenticateClient }),
    introspectToken: createIntrospectToken({ ...deps, authenticateClient }),
    findDue: createFindDue(deps),
    workDue: createWorkDue({ ...deps, planUpkeep, refresh }),
    checkHealth: createCheckHealth(deps),
  };
}

/** The process's own broker, from its environment; what the files in `functions/` register. */
export const entry: Entry<Broker> = createEntry(() => composeBroker(process.env), consoleLog);

/** Liveness needs no configuration: a process that answers is alive. */
export const live: HttpHandler = createLiveHandler({ log: consoleLog });
