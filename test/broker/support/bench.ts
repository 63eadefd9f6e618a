import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuditLog, createFailureLog } from '../../../shared/adapters/tables/audit.js';
import { createBudgets } from '../../../shared/adapters/tables/budgets.js';
import { createCircuitStore, createHeartbeat } from '../../../shared/adapters/tables/circuits.js';
import { createConnectionStore } from '../../../shared/adapters/tables/connections.js';
import { createDueIndex } from '../../../shared/adapters/tables/due.js';
import { createGrantStore } from '../../../shared/adapters/tables/grants.js';
import { createGuardStore } from '../../../shared/adapters/tables/guard.js';
import { createQuarantine } from '../../../shared/adapters/tables/quarantine.js';
import { createSpill } from '../../../shared/adapters/tables/spill.js';
import { createVault } from '../../../shared/adapters/vault/envelope.js';
import { createKeyVault } from '../../../shared/adapters/vault/key_vault.js';
import type { BrokerEvent } from '../../../shared/domain/event.js';
import { tickAllowance } from '../../../shared/domain/provider_rate.js';
import { createCreateGrant } from '../../../shared/flows/create_grant.js';
import { createDeathGuard } from '../../../shared/flows/death_guard.js';
import { createEndConnection } from '../../../shared/flows/end_connection.js';
import { createFindDue } from '../../../shared/flows/find_due.js';
import { createLanes } from '../../../shared/flows/lanes.js';
import { createPlanUpkeep } from '../../../shared/flows/plan_upkeep.js';
import { createProviderBudget } from '../../../shared/flows/provider_budget.js';
import type { Publish } from '../../../shared/flows/publish.js';
import { createRecordFailure } from '../../../shared/flows/record_failure.js';
import { createRefreshAttempt } from '../../../shared/flows/refresh_attempt.js';
import { createRefreshConnection } from '../../../shared/flows/refresh_connection.js';
import { createSetAside } from '../../../shared/flows/set_aside.js';
import { createTakeOverConnection } from '../../../shared/flows/take_over_connection.js';
import { createWorkDue } from '../../../shared/flows/upkeep.js';
import { dueMessages, workMessage } from '../../../shared/http/host.js';
import { readPolicy } from '../../../shared/policy.js';
import type { Budgets, GuardStore, Log, LogFields, Quarantine } from '../../../shared/ports.js';
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
export const policyDocument = {
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
export function createBench(tables: Pick<TestTables, 'table' | 'name'>) {
  /** What a pause of the flows really takes, ms: long enough for others to run. The clock is the test's alone. */
  const time = { now: NOW, pauseMs: 2 };
  const faulty = (name?: string) => withFaults(tables.table(name), () => time.now);
  const dueTable = tables.name();
  const rows = {
    connections: faulty(),
    grants: faulty(),
    due: faulty(dueTable),
    audit: faulty(),
    failures: faulty(),
    spill: faulty(),
  };
  const logged: string[] = [];
  const told: BrokerEvent[] = [];
  const names = new Set<string>();
  const provider = createScriptedProvider(someone().tenant);
  const keyVault = fakeKeyVault(KEY);
  const deps = {
    ...stores(rows, tables),
    policy: readPolicy(JSON.stringify(policyDocument), {
      NIGHTLY_SECRET: SECRET,
      MAIL_SECRET: 'the secret of mail-agent',
    }),
    provider,
    tokens: stubTokens(),
    vault: createVault(createKeyVault(KEY, keyVault.openKey)),
    rulesOf: () => aad,
    rules: { windowSeconds: 600, livenessSeconds: 21_600 },
    /** A test that is about rates lowers them. */
    rates: { preset: 10_000, periodSeconds: 60 },
    clock: () => time.now,
    random: { uuid: randomUUID, bytes: (count: number) => randomBytes(count) },
    log: logInto(logged),
    publish: async (event: BrokerEvent) => {
      if (names.has(event.id)) return false;
      names.add(event.id);
      told.push(event);
      return true;
    },
    sleep: async () => {
      if (time.pauseMs > 0) await sleep(time.pauseMs);
    },
  };
  const flows = composeFlows(deps, createBudgets({ ...deps, table: tables.table() }));
  return {
    ...deps,
    ...flows,
    rows,
    dueTable,
    keyVault,
    time,
    logged,
    /** Events, in order. */
    told,
    /** What the audit holds of a type, oldest first. */
    async audited(type: string) {
      const { items } = await deps.audit.query({ from: 0, to: time.now + 1, limit: 1000, match: { type } });
      return [...items].reverse();
    },
    async failed() {
      const { items } = await deps.failures.query({ from: 0, to: time.now + 1, limit: 1000, match: {} });
      return [...items].reverse();
    },
    /** One tick of the timer and all the work it finds, by way of the queue's messages. */
    async tick() {
      const batches = await flows.findDue();
      for (const message of await dueMessages(async () => batches)) {
        await workMessage(flows.workDue, JSON.parse(JSON.stringify(message)));
      }
      return batches.flat().length;
    },
  };
}

type Rows = Record<
  'connections' | 'grants' | 'due' | 'audit' | 'failures' | 'spill',
  ReturnType<typeof withFaults>
>;

function stores(rows: Rows, tables: Pick<TestTables, 'table' | 'name'>) {
  const quarantineTable = tables.table();
  return {
    connections: createConnectionStore(rows.connections),
    grants: createGrantStore(rows.grants),
    due: createDueIndex(rows.due),
    audit: createAuditLog(rows.audit),
    failures: createFailureLog(rows.failures),
    quarantine: createQuarantine(quarantineTable),
    quarantineTable,
    spill: createSpill(rows.spill),
    guard: createGuardStore(tables.table(), { uuid: randomUUID, bytes: (count) => randomBytes(count) }),
    circuits: createCircuitStore(tables.table()),
    heartbeat: createHeartbeat(tables.table()),
  };
}

type AttemptDeps = Omit<Parameters<typeof createRefreshAttempt>[0], 'recordFailure' | 'planUpkeep'>;
export type FlowDeps = AttemptDeps &
  Parameters<typeof createPlanUpkeep>[0] &
  Omit<Parameters<typeof createFindDue>[0], 'allowanceOf' | 'setAsideRow'> & {
    readonly quarantine: Quarantine;
    readonly guard: GuardStore;
    readonly publish: Publish;
    readonly rates: { preset: number; periodSeconds: number };
  } & Parameters<typeof createEndConnection>[0] &
  Pick<Parameters<typeof createRecordFailure>[0], 'failures'>;

export function composeFlows(deps: FlowDeps, budgets: Budgets) {
  const planUpkeep = createPlanUpkeep(deps);
  const deathGuard = createDeathGuard(deps);
  const recordFailure = createRecordFailure({ ...deps, planUpkeep, mayBury: deathGuard.mayBury });
  const attempt = createRefreshAttempt({ ...deps, planUpkeep, recordFailure });
  const rates = {
    get preset() {
      return deps.rates.preset;
    },
    byName: {},
  };
  const budget = createProviderBudget({ ...deps, budgets, rates });
  const refresh = createRefreshConnection({ ...deps, attempt, countCall: budget.forCaller });
  const takeOver = createTakeOverConnection({ ...deps, planUpkeep });
  const setAside = createSetAside({ ...deps, onMet: async () => undefined });
  return {
    planUpkeep,
    deathGuard,
    setAside,
    refresh,
    takeOver,
    createGrant: createCreateGrant({ ...deps, planUpkeep, takeOver }),
    endConnection: createEndConnection(deps),
    findDue: createFindDue({
      ...deps,
      allowanceOf: (provider) => tickAllowance(rates, provider, deps.rates.periodSeconds),
      setAsideRow: setAside.row,
    }),
    workDue: createWorkDue({
      ...deps,
      windowSeconds: deps.rules.windowSeconds,
      planUpkeep,
      refresh,
      budget,
      deathGuard,
      setAside,
      inLane: createLanes(64),
    }),
  };
}

function logInto(lines: string[]): Log {
  const write = (message: string, fields: LogFields = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { info: write, warn: write, error: write };
}
