import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuditLog, createFailureLog } from '../../../shared/adapters/tables/audit.js';
import { createCircuitStore, createHeartbeat } from '../../../shared/adapters/tables/circuits.js';
import { createConnectionStore } from '../../../shared/adapters/tables/connections.js';
import { createDueIndex } from '../../../shared/adapters/tables/due.js';
import { createGrantStore } from '../../../shared/adapters/tables/grants.js';
import { createVault } from '../../../shared/adapters/vault/envelope.js';
import { createKeyVault } from '../../../shared/adapters/vault/key_vault.js';
import { createCreateGrant } from '../../../shared/flows/create_grant.js';
import { createEndConnection } from '../../../shared/flows/end_connection.js';
import { createPlanUpkeep } from '../../../shared/flows/plan_upkeep.js';
import { createRecordFailure } from '../../../shared/flows/record_failure.js';
import { createRefreshAttempt } from '../../../shared/flows/refresh_attempt.js';
import { createRefreshConnection } from '../../../shared/flows/refresh_connection.js';
import { createTakeOverConnection } from '../../../shared/flows/take_over_connection.js';
import { createFindDue, createWorkDue } from '../../../shared/flows/upkeep.js';
import { readPolicy } from '../../../shared/policy.js';
import type { Log, LogFields } from '../../../shared/ports.js';
import { aad } from '../../../shared/providers/aad.js';
import { fakeKeyVault } from './fake_key_vault.js';
import { withFaults } from './faulty_table.js';
import { GRAPH, NOW, ORDERS, someone } from './samples.js';
import { createScriptedProvider } from './scripted_provider.js';
import { stubTokens } from './stub_tokens.js';
import type { TestTables } from './tables.js';

const KEY = 'https://vault.test/keys/broker';
/** Graph through a facade. */
export const READER = 'https://reader.test';
export const FACADE = '55555555-5555-4555-8555-555555555555';
export const SECRET = 'the secret of nightly-report';
const policyDocument = {
  resources: {
    [ORDERS]: { narrowing: 'minted', scopes: ['orders.read', 'orders.write'], maxTokenSeconds: 600 },
    [GRAPH]: { narrowing: 'provider', provider: 'aad', scopes: ['Mail.Read', 'User.Read'] },
    'https://wide.test': { narrowing: 'provider', provider: 'aad', scopes: ['A', 'B'], allowWider: true },
    [READER]: {
      narrowing: 'facade',
      provider: 'aad',
      facade: {
        appId: FACADE,
        scope: 'api://reader/access_as_user',
        managedIdentity: FACADE,
        resource: GRAPH,
      },
      scopes: ['User.Read'],
    },
    'https://elsewhere.test': { narrowing: 'provider', provider: 'aad', scopes: ['X'] },
  },
  clients: {
    'nightly-report': {
      auth: { secretSetting: 'NIGHTLY_SECRET' },
      resources: {
        [ORDERS]: ['orders.read'],
        [GRAPH]: ['Mail.Read', 'User.Read'],
        'https://wide.test': ['A'],
        [READER]: ['User.Read'],
      },
      maxGrantDays: 30,
    },
    'mail-agent': { auth: { secretSetting: 'MAIL_SECRET' }, resources: { [GRAPH]: ['Mail.Read'] } },
  },
};

export type Bench = ReturnType<typeof createBench>;

/** The broker's flows over real tables, with a provider, a clock and table faults that the test holds in its hands. */
export function createBench(tables: TestTables) {
  const time = { now: NOW };
  const faulty = () => withFaults(tables.table());
  const rows = {
    connections: faulty(),
    grants: faulty(),
    due: faulty(),
    audit: faulty(),
    failures: faulty(),
  };
  const logged: string[] = [];
  const provider = createScriptedProvider(someone().tenant);
  const deps = {
    ...stores(rows, tables),
    policy: readPolicy(JSON.stringify(policyDocument), {
      NIGHTLY_SECRET: SECRET,
      MAIL_SECRET: 'the secret of mail-agent',
    }),
    provider,
    tokens: stubTokens(),
    vault: createVault(createKeyVault(KEY, fakeKeyVault(KEY).openKey)),
    rulesOf: () => aad,
    rules: { windowSeconds: 600, livenessSeconds: 21_600 },
    clock: () => time.now,
    random: { uuid: randomUUID, bytes: (count: number) => randomBytes(count) },
    log: logInto(logged),
    // Long enough for others to run; the clock is the test's alone.
    sleep: async () => {
      await sleep(2);
    },
  };
  const flows = composeFlows(deps);
  return {
    ...deps,
    ...flows,
    rows,
    time,
    logged,
    /** What the audit holds of a type, oldest first. */
    async audited(type: string) {
      const { items } = await deps.audit.query({ from: 0, to: time.now + 1, limit: 1000, match: { type } });
      return [...items].reverse();
    },
    async failed() {
      const { items } = await deps.failures.query({ from: 0, to: time.now + 1, limit: 1000, match: {} });
      return [...items].reverse();
    },
    /** One tick of the timer and all the work it finds. */
    async tick() {
      const batches = await flows.findDue();
      for (const batch of batches) await flows.workDue(batch);
      return batches.flat().length;
    },
  };
}

type Rows = Record<'connections' | 'grants' | 'due' | 'audit' | 'failures', ReturnType<typeof withFaults>>;

function stores(rows: Rows, tables: TestTables) {
  return {
    connections: createConnectionStore(rows.connections),
    grants: createGrantStore(rows.grants),
    due: createDueIndex(rows.due),
    audit: createAuditLog(rows.audit),
    failures: createFailureLog(rows.failures),
    circuits: createCircuitStore(tables.table()),
    heartbeat: createHeartbeat(tables.table()),
  };
}

type AttemptDeps = Omit<Parameters<typeof createRefreshAttempt>[0], 'recordFailure' | 'planUpkeep'>;
type FlowDeps = AttemptDeps &
  Parameters<typeof createPlanUpkeep>[0] &
  Parameters<typeof createFindDue>[0] &
  Parameters<typeof createEndConnection>[0] &
  Pick<Parameters<typeof createRecordFailure>[0], 'failures'>;

function composeFlows(deps: FlowDeps) {
  const planUpkeep = createPlanUpkeep(deps);
  const recordFailure = createRecordFailure({ ...deps, planUpkeep });
  const attempt = createRefreshAttempt({ ...deps, planUpkeep, recordFailure });
  const refresh = createRefreshConnection({ ...deps, attempt });
  const takeOver = createTakeOverConnection({ ...deps, planUpkeep });
  return {
    planUpkeep,
    refresh,
    takeOver,
    createGrant: createCreateGrant({ ...deps, planUpkeep, takeOver }),
    endConnection: createEndConnection(deps),
    findDue: createFindDue(deps),
    workDue: createWorkDue({ ...deps, planUpkeep, refresh }),
  };
}

function logInto(lines: string[]): Log {
  const write = (message: string, fields: LogFields = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { info: write, warn: write, error: write };
}
