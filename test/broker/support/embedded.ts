import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import type { DirectoryFile } from '../../../local/identity_provider/directory/types.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import { type Broker, composeBroker } from '../../../shared/compose.js';
import type { Environment } from '../../../shared/config.js';
import { startTestProvider, type TestProvider } from '../../identity_provider/support/provider.js';
import { startTables, type TableServer } from '../../support/azurite.js';
import { type Answer, type Asked, callRoute, PUBLIC } from './broker.js';
import { basic, FORM, type Form, formText, principalOf } from './calls.js';

export interface EmbeddedOptions {
  readonly directory: DirectoryFile;
  /** The issuer's path at the provider, such as `/organizations/v2.0`. */
  readonly issuerPath: string;
  readonly policy: object;
  readonly env: Environment;
  /** What the provider is started with beside, once that is known. */
  readonly provider?: () => Promise<{ readonly port: number; readonly publicUrl: string }>;
}

export interface EmbeddedBroker {
  readonly idp: TestProvider;
  readonly broker: Broker;
  readonly logged: string[];
  call(route: Parameters<typeof callRoute>[1], asked?: Asked): Promise<Answer>;
  /** `POST /token` as a client with a secret, or with headers of its own. */
  token(
    form: Form,
    as: readonly [id: string, secret: string] | Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Another broker over the same tables and provider, with other settings. */
  compose(env: Environment): Broker;
}

/** The whole broker over real tables and the embedded identity provider, on the provider's clock. */
export function withEmbedded(options: EmbeddedOptions): EmbeddedBroker {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
  const logged: string[] = [];
  let parts: { tables: TableServer; idp: TestProvider; broker: Broker } | undefined;
  const running = () => {
    if (!parts) throw new Error('nothing is started yet');
    return parts;
  };
  const build = ({ tables, idp }: { tables: TableServer; idp: TestProvider }, env: Environment) =>
    composeBroker({ ...environment(folder, options, { tables, idp }), ...env }, system(idp, logged));
  beforeAll(async () => {
    const more = (await options.provider?.()) ?? {};
    const [tables, idp] = await Promise.all([
      startTables(),
      startTestProvider({ directory: options.directory, ...more }),
    ]);
    parts = { tables, idp, broker: build({ tables, idp }, {}) };
  });
  afterAll(async () => {
    await Promise.all([parts?.tables.close(), parts?.idp.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const embedded: EmbeddedBroker = {
    get idp() {
      return running().idp;
    },
    get broker() {
      return running().broker;
    },
    logged,
    call: (route, asked) => callRoute(running().broker, route, asked),
    token: (form, as) =>
      embedded.call('token', {
        method: 'POST',
        url: `${PUBLIC}/token`,
        headers: { ...FORM, ...(isPair(as) ? basic(...as) : as) },
        body: formText(form),
      }),
    compose: (env) => build(running(), env),
  };
  return embedded;
}

function isPair(as: unknown): as is readonly [string, string] {
  return Array.isArray(as);
}

function environment(
  folder: string,
  { policy, issuerPath, env }: EmbeddedOptions,
  { tables, idp }: { tables: TableServer; idp: TestProvider },
): Environment {
  const file = join(folder, 'policy.json');
  writeFileSync(file, JSON.stringify(policy));
  return {
    BROKER_ISSUER: PUBLIC,
    WEBSITE_AUTH_ENABLED: 'true',
    BROKER_POLICY_FILE: file,
    BROKER_REFRESH_SCHEDULE: '*/5 * * * * *',
    BROKER_TABLES_CONNECTION_STRING: tables.connectionString,
    BROKER_VAULT_KEY_FILE: join(folder, 'vault.key'),
    BROKER_AAD_ISSUER: `${idp.url}${issuerPath}`,
    ...env,
  };
}

function system(idp: TestProvider, lines: string[]) {
  const write = (message: string, fields = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return {
    clock: () => idp.clock.now,
    random: systemRandom,
    log: { info: write, warn: write, error: write },
    sleep: async () => {
      await sleep(2);
    },
  };
}

/** The headers Easy Auth sends for a user who has signed in with these tokens. */
export function sessionHeaders(
  oid: string,
  tokens: { id_token?: unknown; refresh_token?: unknown },
): Readonly<Record<string, string>> {
  return {
    'x-ms-client-principal': principalOf(oid),
    'x-ms-client-principal-id': oid,
    'x-ms-client-principal-idp': 'aad',
    'x-ms-token-aad-id-token': String(tokens.id_token),
    'x-ms-token-aad-refresh-token': String(tokens.refresh_token),
  };
}
