import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demoAuthJson } from '../demo/auth_json.js';
import { gatewaySettings, socialBrokerSettings } from '../demo/social.js';
import { CLIENTS, demoDirectory, GATEWAY_APP, TENANT } from '../demo/tenant.js';
import type { PartSpec } from './part.js';
import type { Ports } from './ports.js';
import { type LocalSecrets, writePrivate } from './state_dir.js';

export interface StackPlan {
  readonly ports: Ports;
  readonly stateDir: string;
  readonly secrets: LocalSecrets;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Addresses {
  readonly gateway: string;
  readonly functions: string;
  readonly idp: string;
  readonly issuer: string;
  readonly storage: string;
}

export type PartName = 'azurite' | 'idp' | 'functions' | 'gateway';

/** The account every storage tool knows the local emulator by; it is no secret. */
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** The app's root: where `host.json` and `package.json` are, one above the compiled code. */
export const APP_ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const compiled = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export function addressesOf({ ports }: StackPlan): Addresses {
  const idp = `http://localhost:${ports.IDP_PORT}`;
  const endpoint = (kind: string, port: number) => `${kind}Endpoint=http://127.0.0.1:${port}/${ACCOUNT}`;
  return {
    gateway: `http://localhost:${ports.EASYAUTH_PORT}`,
    functions: `http://localhost:${ports.FUNCTIONS_PORT}`,
    idp,
    issuer: `${idp}/${TENANT.tid}/v2.0`,
    storage: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${ACCOUNT}`,
      `AccountKey=${ACCOUNT_KEY}`,
      endpoint('Blob', ports.AZURITE_BLOB_PORT),
      endpoint('Queue', ports.AZURITE_QUEUE_PORT),
      endpoint('Table', ports.AZURITE_TABLE_PORT),
    ].join(';'),
  };
}

/** Writes what the parts read and says how each is started, in the order in which they need each other. */
export function planParts(plan: StackPlan): Readonly<Record<PartName, PartSpec>> {
  for (const dir of ['azurite', 'idp', 'easyauth', 'logs']) {
    mkdirSync(join(plan.stateDir, dir), { recursive: true, mode: 0o700 });
  }
  const addresses = addressesOf(plan);
  return {
    azurite: azuritePart(plan),
    idp: identityProviderPart(plan, addresses),
    functions: functionsPart(plan, addresses),
    gateway: gatewayPart(plan, addresses),
  };
}

function azuritePart({ ports, stateDir, env }: StackPlan): PartSpec {
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const listen = (kind: string, port: number) => [
    `--${kind}Host`,
    '127.0.0.1',
    `--${kind}Port`,
    String(port),
  ];
  return {
    name: 'azurite',
    args: [
      script,
      '--silent',
      '--disableTelemetry',
      // The SDKs ask for service versions newer than the emulator knows by name.
      '--skipApiVersionCheck',
      '--location',
      join(stateDir, 'azurite'),
      ...listen('blob', ports.AZURITE_BLOB_PORT),
      ...listen('queue', ports.AZURITE_QUEUE_PORT),
      ...listen('table', ports.AZURITE_TABLE_PORT),
    ],
    env: quiet(env),
    logFile: logFile(stateDir, 'azurite'),
    isReady: async () => {
      const { AZURITE_BLOB_PORT, AZURITE_QUEUE_PORT, AZURITE_TABLE_PORT } = ports;
      const open = [AZURITE_BLOB_PORT, AZURITE_QUEUE_PORT, AZURITE_TABLE_PORT].map(accepts);
      return (await Promise.all(open)).every(Boolean);
    },
    shows: () => false,
  };
}

function identityProviderPart(plan: StackPlan, { gateway, idp, issuer }: Addresses): PartSpec {
  const directory = join(plan.stateDir, 'directory.json');
  const document = demoDirectory({ gatewayUrl: gateway, secrets: plan.secrets });
  writePrivate(directory, JSON.stringify(document, null, 2));
  return {
    name: 'idp',
    args: [
      compiled('local/identity_provider/main.js'),
      ...['--directory', directory],
      ...['--state', join(plan.stateDir, 'idp')],
      ...['--public-url', idp],
      ...['--port', String(plan.ports.IDP_PORT)],
    ],
    env: { ...quiet(plan.env), IDP_IDENTITY_HEADER: plan.secrets.identityHeader },
    logFile: logFile(plan.stateDir, 'idp'),
    isReady: () => answersOk(`${issuer}/.well-known/openid-configuration`),
    shows: isTrouble,
  };
}

function functionsPart(plan: StackPlan, addresses: Addresses): PartSpec {
  const { stateDir } = plan;
  const settings = brokerSettings(plan, addresses);
  writeLocalSettings(stateDir, settings);
  return {
    name: 'functions',
    args: [
      // The platform's front end lets larger request headers through than Node's own limit of 16 KiB.
      '--max-http-header-size=65536',
      compiled('local/functions_host/main.js'),
      ...['--app', APP_ROOT],
      ...['--port', String(plan.ports.FUNCTIONS_PORT)],
    ],
    env: { ...quiet(plan.env), ...settings },
    logFile: logFile(stateDir, 'functions'),
    isReady: () => answersOk(`${addresses.functions}/health/live`),
    shows: isTrouble,
  };
}

/** The app settings of the Functions app, as Azure would hold them. The first few may be set in the environment before. */
function brokerSettings(
  { secrets, stateDir, env }: StackPlan,
  { gateway, idp, issuer, storage }: Addresses,
): Record<string, string> {
  const own = Object.entries(env).filter(([name]) => name.startsWith('BROKER_'));
  const given = own.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return {
    BROKER_POLICY_FILE: join(APP_ROOT, 'policy.json'),
    BROKER_REFRESH_SCHEDULE: '*/5 * * * * *',
    // Azurite is one process beside all others: asked by more at once it only answers later.
    BROKER_PROVIDER_CONCURRENCY: '16',
    ...Object.fromEntries(given),
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storage,
    WEBSITE_AUTH_ENABLED: 'True',
    EASYAUTH_GATEWAY_SECRET: secrets.upstream,
    BROKER_ISSUER: gateway,
    BROKER_TABLES_CONNECTION_STRING: storage,
    BROKER_VAULT_KEY_FILE: join(stateDir, 'vault.key'),
    BROKER_AAD_ISSUER: issuer,
    BROKER_AAD_CLIENT_ID: GATEWAY_APP.appId,
    BROKER_AUDIENCES: `${GATEWAY_APP.appId},${GATEWAY_APP.appIdUri}`,
    MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: secrets.gatewayClient,
    ...socialBrokerSettings(idp, secrets.socialClient),
    IDENTITY_ENDPOINT: `${idp}/msi/token`,
    IDENTITY_HEADER: secrets.identityHeader,
    [CLIENTS.nightlyReport.secretSetting]: secrets.nightlyReport,
    [CLIENTS.mailAgent.secretSetting]: secrets.mailAgent,
  };
}

/** For the operator's commands: the same settings, in the form the Functions tools know. */
function writeLocalSettings(stateDir: string, values: Record<string, string>): void {
  const document = { IsEncrypted: false, Values: values };
  writePrivate(join(stateDir, 'local.settings.json'), `${JSON.stringify(document, null, 2)}\n`);
}

function gatewayPart(plan: StackPlan, { gateway, functions, idp, issuer }: Addresses): PartSpec {
  const { secrets, stateDir } = plan;
  const config = join(stateDir, 'auth.json');
  writePrivate(config, `${JSON.stringify(demoAuthJson(issuer), null, 2)}\n`);
  return {
    name: 'gateway',
    args: [
      '--max-http-header-size=65536',
      compiled('easyauth/cli.js'),
      ...['--config', config],
      ...['--upstream', functions],
      ...['--port', String(plan.ports.EASYAUTH_PORT)],
      ...['--state', join(stateDir, 'easyauth')],
      // One process serves one person at a desk, and starts fastest.
      ...['--workers', plan.env.EASYAUTH_WORKERS || '1'],
    ],
    env: {
      ...quiet(plan.env),
      ...gatewaySettings(idp, secrets.socialClient),
      MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: secrets.gatewayClient,
      WEBSITE_AUTH_ENCRYPTION_KEY: secrets.cookieEncryption,
      WEBSITE_AUTH_SIGNING_KEY: secrets.cookieSigning,
      EASYAUTH_GATEWAY_SECRET: secrets.upstream,
    },
    logFile: logFile(stateDir, 'gateway'),
    isReady: () => answersOk(`${gateway}/.auth/version`),
    shows: isTrouble,
  };
}

/** Without what npm and the shell add for their own use, and without a proxy that would see loopback traffic. */
function quiet(env: StackPlan['env']): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !/^(npm_|https?_proxy$|all_proxy$)/i.test(name));
  return Object.fromEntries(kept);
}

function isTrouble(line: string): boolean {
  return /\b(warn|warning|error|fatal|critical)\b/i.test(line.slice(0, 60));
}

function logFile(stateDir: string, name: string): string {
  return join(stateDir, 'logs', `${name}.log`);
}

async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.ok;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
