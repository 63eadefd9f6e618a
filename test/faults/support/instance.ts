import { createAuditLog, createFailureLog } from '../../../shared/adapters/tables/audit.js';
import { createBudgets } from '../../../shared/adapters/tables/budgets.js';
import { createCircuitStore, createHeartbeat } from '../../../shared/adapters/tables/circuits.js';
import { createConnectionStore } from '../../../shared/adapters/tables/connections.js';
import { createDueIndex } from '../../../shared/adapters/tables/due.js';
import { createGrantStore } from '../../../shared/adapters/tables/grants.js';
import { createGuardStore } from '../../../shared/adapters/tables/guard.js';
import { createQuarantine } from '../../../shared/adapters/tables/quarantine.js';
import { createSpill } from '../../../shared/adapters/tables/spill.js';
import type { Table } from '../../../shared/adapters/tables/table.js';
import { createVault } from '../../../shared/adapters/vault/envelope.js';
import { createSweepSpill } from '../../../shared/flows/sweep_spill.js';
import { readPolicy } from '../../../shared/policy.js';
import type { Log, Provider, ProviderAnswer } from '../../../shared/ports.js';
import { aad } from '../../../shared/providers/aad.js';
import { composeFlows, policyDocument } from '../../broker/support/bench.js';
import { stubTokens } from '../../broker/support/stub_tokens.js';
import { createMemoryTable, type MemoryTable } from '../../support/memory_table.js';
import { createGate, type Gate, type Plan, providerThroughGate, throughGate } from './faults.js';
import type { Manners } from './strict_provider.js';
import type { World } from './world.js';

const TABLES = [
  ...['connections', 'grants', 'due', 'audit', 'failures', 'spill', 'circuits', 'heartbeat'],
  ...['quarantine', 'budgets', 'guard'],
] as const;

/** The storage that all instances share, and that outlives them. */
export type Storage = (name: string) => MemoryTable;

export function createStorage(world: World): Storage {
  const tables = new Map(TABLES.map((name) => [name as string, createMemoryTable(world.now)]));
  return (name) => {
    const table = tables.get(name);
    if (!table) throw new Error(`there is no table ${name}`);
    return table;
  };
}

const policy = readPolicy(JSON.stringify(policyDocument), {
  NIGHTLY_SECRET: 'the secret of nightly-report',
  MAIL_SECRET: 'the secret of mail-agent',
});
/** The working keys of envelopes are not what is tested here: this one wraps by doing nothing. */
export const vault = createVault({
  wrap: async (dataKey) => ({ keyId: 'k', wrapped: dataKey }),
  unwrap: async (_, wrapped) => wrapped,
});
const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface InstanceOptions {
  readonly world: World;
  readonly storage: Storage;
  readonly manners: Manners;
  readonly redeem: (refreshToken: string, gate: Gate) => () => Promise<ProviderAnswer>;
  readonly name: string;
  readonly skewMs?: number;
  readonly plan?: Plan;
  /** Told of what is logged as an error. */
  readonly onAlarm?: (text: string) => void;
}

export type Instance = ReturnType<typeof createInstance>;

/** One process of the broker: the real flows over the real stores, with a clock of its own, and one call at which something happens to it. */
export function createInstance(options: InstanceOptions) {
  const { world, storage, manners, plan } = options;
  const gate = createGate(options.name, options.skewMs ?? 0);
  const strike = { world, gate, plan };
  const table = (name: string): Table =>
    throughGate(storage(name), strike, name === 'spill' ? 'spill' : 'main');
  const clock = () => world.now() + gate.skewMs;
  let ids = 0;
  const random = {
    uuid: () => `${options.name}-${++ids}`,
    bytes: (count: number) => Uint8Array.from({ length: count }, () => Math.floor(world.chance() * 256)),
  };
  const provider: Provider = {
    refresh: (_, refreshToken) => providerThroughGate(strike, options.redeem(refreshToken, gate)),
    prove: async () => ({ ok: false, failure: { status: 0, error: 'no_answer', codes: [] } }),
    revoke: async () => 'not_supported',
    check: async () => undefined,
  };
  const deps = {
    connections: createConnectionStore(table('connections')),
    grants: createGrantStore(table('grants')),
    due: createDueIndex(table('due')),
    audit: createAuditLog(table('audit')),
    failures: createFailureLog(table('failures')),
    spill: createSpill(table('spill')),
    circuits: createCircuitStore(table('circuits')),
    heartbeat: createHeartbeat(table('heartbeat')),
    quarantine: createQuarantine(table('quarantine')),
    guard: createGuardStore(table('guard'), random),
    publish: async () => true,
    policy,
    provider,
    tokens: stubTokens(),
    vault,
    rulesOf: () => ({ ...aad, rotation: manners.rotation }),
    rules: { windowSeconds: 600, livenessSeconds: 21_600 },
    rates: { preset: 10_000, periodSeconds: 60 },
    clock,
    random,
    log: { ...silent, error: options.onAlarm ?? silent.error },
    sleep: async (ms: number) => {
      await world.sleep(ms);
      if (!gate.alive) await new Promise(() => undefined);
    },
  };
  const flows = composeFlows(deps, createBudgets({ ...deps, table: table('budgets') }));
  return { ...deps, ...flows, sweepSpill: createSweepSpill(deps), gate };
}
