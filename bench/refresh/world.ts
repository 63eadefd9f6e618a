import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../easyauth/free_port.js';
import { GRAPH, TENANT } from '../../local/demo/tenant.js';
import { type Started, saying, start } from '../gateway/process.js';

/** The repository's root, three above where the benchmarks are compiled to. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
export const APP = { appId: '22222222-2222-4222-8222-222222222222', secret: randomBytes(24).toString('hex') };
export const CLIENT = 'nightly-report';
export const SCOPE = ['Mail.Read'];

/** What `npm start` runs, less the gateway: a provider that knows many users, storage on disk, and the Functions host. */
export interface World {
  readonly env: Readonly<Record<string, string>>;
  readonly providerUrl: string;
  /** Under which the provider seals its refresh tokens. */
  readonly providerKey: Buffer;
  startHost(): Promise<Started>;
  stop(): Promise<void>;
}

export async function startWorld(users: number): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), 'refresh-bench-'));
  const storage = await startAzurite(dir);
  const provider = await startProvider(dir, users);
  const env = brokerEnv({ dir, storage: storage.connection, issuer: provider.issuer });
  const hosts: Started[] = [];
  return {
    env,
    providerUrl: provider.issuer.replace(/\/v2\.0$/, ''),
    providerKey: Buffer.from(readFileSync(join(dir, 'idp', 'seal.key'), 'utf8'), 'base64'),
    async startHost() {
      const script = join(ROOT, 'dist/local/functions_host/main.js');
      const host = start(process.execPath, [script, '--app', ROOT, '--port', '0'], env);
      hosts.push(host);
      await saying(host, /listening url=(\S+)/);
      return host;
    },
    async stop() {
      for (const part of [...hosts, provider.started, storage.started]) await part.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function userId(index: number): string {
  return `d0d0d0d0-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

async function startAzurite(dir: string): Promise<{ started: Started; connection: string }> {
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const [blob, queue, table] = [await freePort(), await freePort(), await freePort()];
  const listen = (kind: string, port: number) => [
    ...[`--${kind}Host`, '127.0.0.1'],
    ...[`--${kind}Port`, String(port)],
  ];
  const ports = [...listen('blob', blob), ...listen('queue', queue), ...listen('table', table)];
  const where = [
    '--location',
    join(dir, 'azurite'),
    '--silent',
    '--skipApiVersionCheck',
    '--disableTelemetry',
  ];
  const started = start(process.execPath, [script, ...where, ...ports]);
  await saying(started, /(Table service is successfully listening)/);
  const account = 'devstoreaccount1';
  const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
  const endpoint = (name: string, port: number) => `${name}Endpoint=http://127.0.0.1:${port}/${account}`;
  const names = [`DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key}`];
  const at = [endpoint('Blob', blob), endpoint('Queue', queue), endpoint('Table', table)];
  return { started, connection: [...names, ...at].join(';') };
}

async function startProvider(dir: string, users: number): Promise<{ started: Started; issuer: string }> {
  const directory = join(dir, 'directory.json');
  writeFileSync(directory, JSON.stringify(directoryOf(users)));
  mkdirSync(join(dir, 'idp'));
  const script = join(ROOT, 'dist/local/identity_provider/main.js');
  const args = [script, '--directory', directory, '--state', join(dir, 'idp'), '--port', '0'];
  const started = start(process.execPath, args);
  const url = await saying(started, /listening url=(\S+)/);
  return { started, issuer: `${url}/${TENANT.tid}/v2.0` };
}

function directoryOf(users: number): object {
  const { tid } = TENANT;
  const app = { tid, redirect_uris: [] };
  return {
    default_resource: GRAPH,
    tenants: [TENANT],
    users: Array.from({ length: users }, (_, index) => ({
      name: `User ${index}`,
      upn: `user${index}@${TENANT.domain}`,
      oid: userId(index),
      tid,
    })),
    apps: [
      {
        ...app,
        app_id: APP.appId,
        name: 'Token broker',
        secrets: [APP.secret],
        app_id_uri: 'api://token-broker',
        consents: [{ resource: GRAPH, scopes: SCOPE }],
      },
      {
        ...app,
        app_id: '00000003-0000-4000-8000-c00000000000',
        name: 'Graph',
        secrets: [],
        app_id_uri: GRAPH,
        scopes: SCOPE,
      },
    ],
  };
}

function brokerEnv({ dir, storage, issuer }: { dir: string; storage: string; issuer: string }) {
  const policy = join(dir, 'policy.json');
  writeFileSync(policy, JSON.stringify(POLICY));
  return {
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storage,
    WEBSITE_AUTH_ENABLED: 'True',
    BROKER_POLICY_FILE: policy,
    BROKER_REFRESH_SCHEDULE: '* * * * * *',
    BROKER_PROVIDER_CONCURRENCY: '16',
    // The provider's budget must not be what is measured.
    BROKER_PROVIDER_RATE_PER_SECOND: '5000',
    BROKER_ISSUER: 'http://localhost:1',
    BROKER_TABLES_CONNECTION_STRING: storage,
    BROKER_VAULT_KEY_FILE: join(dir, 'vault.key'),
    BROKER_AAD_ISSUER: issuer,
    BROKER_AAD_CLIENT_ID: APP.appId,
    BROKER_AAD_CLIENT_SECRET: APP.secret,
    CLIENT_SECRET: randomBytes(24).toString('hex'),
  };
}

const POLICY = {
  version: 1,
  resources: { [GRAPH]: { narrowing: 'provider', provider: 'aad', scopes: SCOPE, allowWider: true } },
  clients: { [CLIENT]: { auth: { secretSetting: 'CLIENT_SECRET' }, resources: { [GRAPH]: SCOPE } } },
};
