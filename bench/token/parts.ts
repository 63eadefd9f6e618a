import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../easyauth/free_port.js';
import { CLIENTS, GATEWAY_APP, GRAPH, ORDERS, TENANT } from '../../local/demo/tenant.js';
import type { StackJson } from '../../local/stack/stack_json.js';
import { type Started, saying, start } from '../gateway/process.js';
import { BY_KEY, BY_KEY_REUSED, BY_SECRET, publicKey, SECRET } from './clients.js';
import { grantIdOf } from './users.js';

/** What the run is measured against: each a process, told apart by its address. */
export interface Part {
  readonly url: string;
  readonly cpuTime: () => number;
}

export interface Parts {
  readonly stack: StackJson;
  /** The broker as `npm start` runs it, and Azurite beside it. */
  readonly deployed: Part;
  readonly echo: Part;
  /** The deployed host with tables in memory. */
  readonly memory: Part;
  /** The handler on Node's own server, tables in memory. */
  readonly bare: Part;
  readonly peer: Part;
  stop(): Promise<void>;
}

export const USERS = 10_000;
/** The repository's root, three above where the benchmarks are compiled to. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BENCH = join(ROOT, '.local/bench/bench/token');
const HOST = join(ROOT, 'dist/local/functions_host/main.js');
const FREE_PORTS = {
  EASYAUTH_PORT: '0',
  FUNCTIONS_PORT: '0',
  IDP_PORT: '0',
  AZURITE_BLOB_PORT: '0',
  AZURITE_QUEUE_PORT: '0',
  AZURITE_TABLE_PORT: '0',
};

/** Starts everything. Whatever fails, what was started before is stopped. */
export async function startParts(): Promise<Parts> {
  const dir = mkdtempSync(join(tmpdir(), 'token-bench-'));
  const running: Started[] = [];
  const stop = async () => {
    await Promise.all(running.map((part) => part.stop()));
    rmSync(dir, { recursive: true, force: true });
  };
  const open = async (args: readonly string[], env: Record<string, string>, path = ''): Promise<Part> => {
    const started = start(process.execPath, args, env);
    running.push(started);
    return { url: `${await saying(started, /listening url=(\S+)/)}${path}`, cpuTime: started.cpuTime };
  };
  const host = async (app: string, env: Record<string, string>) =>
    open([HOST, '--app', join(ROOT, app), '--port', String(await freePort())], env, '/token');
  try {
    const started = start(process.execPath, [join(ROOT, 'dist/local/start.js')], {
      ...FREE_PORTS,
      LOCAL_STATE_DIR: dir,
    });
    running.push(started);
    await saying(started, /^(Ready)/m);
    const stack = JSON.parse(readFileSync(join(dir, 'stack.json'), 'utf8')) as StackJson;
    const worker = { FUNCTIONS_WORKER_RUNTIME: 'node' };
    const memoryEnv = { ...worker, ...brokerEnv(stack, dir), BENCH_USERS: String(USERS) };
    return {
      stack,
      deployed: { url: `${stack.functions}/token`, cpuTime: started.cpuTime },
      echo: await host('bench/token/echo_app', worker),
      memory: await host('bench/token/memory_app', memoryEnv),
      bare: await open([join(BENCH, 'bare_broker.js')], { ...memoryEnv, BENCH_USERS: '10' }, '/token'),
      peer: await open([join(BENCH, 'peer.js')], await peerEnv(), '/token'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function brokerEnv(stack: StackJson, dir: string): Record<string, string> {
  const policy = join(dir, 'bench-policy.json');
  writeFileSync(policy, JSON.stringify(benchPolicy()));
  return {
    BROKER_POLICY_FILE: policy,
    BROKER_REFRESH_SCHEDULE: '*/5 * * * * *',
    WEBSITE_AUTH_ENABLED: 'True',
    BROKER_ISSUER: stack.gateway,
    BROKER_TABLES_CONNECTION_STRING: stack.tables,
    BROKER_VAULT_KEY_FILE: join(dir, 'bench-vault.key'),
    BROKER_AAD_ISSUER: `${stack.idp}/${TENANT.tid}/v2.0`,
    BROKER_AAD_CLIENT_ID: GATEWAY_APP.appId,
    BROKER_AUDIENCES: `${GATEWAY_APP.appId},${GATEWAY_APP.appIdUri}`,
    MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: SECRET,
    BENCH_CLIENT_SECRET: SECRET,
    BENCH_CLIENTS: [CLIENTS.nightlyReport.clientId, BY_SECRET, BY_KEY, BY_KEY_REUSED].join(','),
  };
}

function benchPolicy(): object {
  const resources = { [ORDERS]: ['orders.read'], [GRAPH]: ['Mail.Read'] };
  const byKey = { publicKeys: [publicKey] };
  return {
    version: 1,
    resources: {
      [ORDERS]: { narrowing: 'minted', scopes: ['orders.read'], maxTokenSeconds: 600 },
      [GRAPH]: { narrowing: 'provider', provider: 'aad', scopes: ['Mail.Read'] },
    },
    clients: {
      [CLIENTS.nightlyReport.clientId]: { auth: { entraAppId: CLIENTS.nightlyReport.appId }, resources },
      [BY_SECRET]: { auth: { secretSetting: 'BENCH_CLIENT_SECRET' }, resources },
      [BY_KEY]: { auth: byKey, resources },
      [BY_KEY_REUSED]: { auth: { ...byKey, assertionReuse: true }, resources },
    },
  };
}

async function peerEnv(): Promise<Record<string, string>> {
  return {
    PORT: String(await freePort()),
    BENCH_SECRET: SECRET,
    BENCH_PUBLIC_KEY: JSON.stringify(publicKey),
    BENCH_SUBJECT_TOKEN: grantIdOf(0, BY_SECRET, GRAPH),
  };
}
