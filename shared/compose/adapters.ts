import { createClientSecrets } from '../adapters/client_secrets.js';
import { createHttpClient } from '../adapters/http_client.js';
import { createClientAssertions } from '../adapters/jose/client_assertions.js';
import { createDpopNonces } from '../adapters/jose/dpop_nonces.js';
import { createDpopProofs } from '../adapters/jose/dpop_proofs.js';
import { createKeyRing } from '../adapters/jose/key_ring.js';
import { createTokens } from '../adapters/jose/tokens.js';
import { withVerifiedAssertions, withVerifiedTokens } from '../adapters/jose/verified_tokens.js';
import { createOnce } from '../adapters/once.js';
import { createCredentialForm } from '../adapters/provider/app_credential.js';
import { createIdentityToken } from '../adapters/provider/managed_identity.js';
import { createProvider } from '../adapters/provider/provider.js';
import { withRecentCircuits } from '../adapters/recent_circuits.js';
import { createRecentConnections, withRecentGrants } from '../adapters/recent_reads.js';
import { createSharedSecret } from '../adapters/shared_secret.js';
import { createArchive } from '../adapters/tables/archive.js';
import { createAuditLog, createFailureLog } from '../adapters/tables/audit.js';
import { createBudgets } from '../adapters/tables/budgets.js';
import { createCircuitStore, createHeartbeat } from '../adapters/tables/circuits.js';
import { createCodeStore } from '../adapters/tables/codes.js';
import { createConnectionStore } from '../adapters/tables/connections.js';
import { createDueIndex } from '../adapters/tables/due.js';
import { createGrantStore } from '../adapters/tables/grants.js';
import { createGuardStore } from '../adapters/tables/guard.js';
import { createNotices } from '../adapters/tables/notices.js';
import { createQuarantine } from '../adapters/tables/quarantine.js';
import { createTables } from '../adapters/tables/service.js';
import { createSigningKeyStore } from '../adapters/tables/signing_keys.js';
import { createSpill } from '../adapters/tables/spill.js';
import { createReplayStore, createRevokedTokens } from '../adapters/tables/token_ids.js';
import { createTickets } from '../adapters/tickets.js';
import { createVault } from '../adapters/vault/envelope.js';
import { createKeyFile } from '../adapters/vault/key_file.js';
import { createKeyVault } from '../adapters/vault/key_vault.js';
import { createWorkingKeys } from '../adapters/vault/working_keys.js';
import type { Config } from '../config.js';
import { withBoundedRefusals } from '../flows/bounded_refusals.js';
import { withAuditTold, withUserActionTold } from '../flows/observed.js';
import { withPolicyFacts } from '../flows/with_policy_facts.js';
import type { Facade, Policy } from '../policy.js';
import { createEvents } from './events.js';
import { createProviders, onHeaders, rulesByName } from './providers.js';
import type { System } from './system.js';

export type Adapters = ReturnType<typeof createAdapters>;

export interface Settings {
  readonly config: Config;
  readonly policy: Policy;
}

/** Every boundary, built once. */
export function createAdapters(
  { config, policy }: Settings,
  { clock, random, log, tables = createTables }: System,
) {
  const table = tables(config.tables);
  const elsewhere = tables(config.spill);
  const vault = createVault(
    'keyFile' in config.vault
      ? createKeyFile(config.vault.keyFile)
      : createWorkingKeys(createKeyVault(config.vault.keyId), clock),
  );
  const http = createHttpClient();
  const providers = createProviders(config, { http, clock, random });
  const replay = createReplayStore(table('tokenIds'), random);
  const secretFor = createSharedSecret({ table: table('signingKeys'), vault, random });
  const nonces = createDpopNonces({
    secret: secretFor('dpop-nonce'),
    clock,
    required: config.dpopNonceRequired,
  });
  const notices = createNotices({ table: table('notices'), clock, random });
  const recent = createRecentConnections(createConnectionStore(table('connections')), { clock, notices });
  const keyRing = createKeyRing({
    store: createSigningKeyStore(table('signingKeys')),
    vault,
    clock,
    random,
  });
  const audit = withPolicyFacts(createAuditLog(table('audit')), policy);
  const refusals = withBoundedRefusals(audit, { clock, random, log });
  const events = createEvents({ config, table, http, clock, log });
  return {
    table,
    vault,
    connections: recent.store,
    recent,
    grants: withRecentGrants(createGrantStore(table('grants')), { clock, notices }),
    codes: createCodeStore(table('codes'), random),
    tickets: createTickets({ secret: secretFor('ticket'), clock }),
    due: createDueIndex(table('due')),
    ...events,
    audit: withAuditTold(refusals.audit, events.publish),
    /** For the end of the process. */
    flushAudit: refusals.flush,
    spill: createSpill(elsewhere('spill')),
    failures: withUserActionTold(createFailureLog(table('refreshFailures')), events.publish),
    revoked: createRevokedTokens(table('tokenIds')),
    replay,
    once: createOnce({ replay, clock }),
    proofs: createDpopProofs({ replay, nonces, clock }),
    assertions: withVerifiedAssertions(
      createClientAssertions({ issuer: config.issuer, clients: policy.clients, http, clock }),
      clock,
    ),
    secrets: createClientSecrets({ clients: policy.clients, random }),
    circuits: withRecentCircuits(createCircuitStore(table('circuits')), clock),
    heartbeat: createHeartbeat(table('heartbeat')),
    quarantine: createQuarantine(table('quarantine')),
    archive: createArchive({
      connections: table('connections'),
      grants: table('grants'),
      failures: table('refreshFailures'),
      tokenIds: table('tokenIds'),
      positions: table('heartbeat'),
      store: recent.store,
    }),
    guard: createGuardStore(table('guard'), random),
    budgets: createBudgets({ table: table('budgets'), clock, random }),
    provider: createProvider(providers, {
      http,
      credentialForm: createCredentialForm(createIdentityToken()),
      facades: facadesOf(policy),
    }),
    tokens: withVerifiedTokens(
      createTokens({ issuer: config.issuer, providers, keyRing, clock, random }),
      clock,
    ),
    rulesOf: rulesByName(providers),
    providers: [...providers.keys()],
    onHeaders: onHeaders(providers, policy),
  };
}

function facadesOf({ resources }: Policy): ReadonlyMap<string, Facade> {
  const named = [...resources].flatMap(([uri, resource]): [string, Facade][] =>
    resource.narrowing === 'minted' || !resource.facade ? [] : [[uri, resource.facade]],
  );
  return new Map(named);
}
