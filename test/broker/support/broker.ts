import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { afterAll, beforeAll } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createAuditLog } from '../../../shared/adapters/tables/audit.js';
import { createTables } from '../../../shared/adapters/tables/service.js';
import type { Table } from '../../../shared/adapters/tables/table.js';
import { type Broker, composeBroker, type HttpRoute, type System } from '../../../shared/compose.js';
import type { Environment } from '../../../shared/config.js';
import type { AuditEvent } from '../../../shared/domain/audit_event.js';
import type { Log, LogFields } from '../../../shared/ports.js';
import { startTables, type TableServer } from '../../support/azurite.js';
import { APP_ID, type Entra, startEntra } from './entra.js';
import { withFaults } from './faulty_table.js';
import { type Link, openLink } from './link.js';
import { GRAPH, NOW, ORDERS } from './samples.js';

export const PUBLIC = 'http://localhost:8080';
export const WIDE = 'https://wide.test';
export const NIGHTLY = {
  id: 'nightly-report',
  secret: 'secret/of nightly+report',
  appId: '33333333-3333-4333-8333-333333333333',
};
/** Where nightly-report has its users sent back to. */
export const CALLBACK = 'https://report.test/callback?app=1';
/** Like nightly-report, and not it. */
export const SECOND = { id: 'second-report', secret: 'the secret of second-report' };
/** May use refresh_token only. */
export const MAIL = { id: 'mail-agent', secret: 'the secret of mail-agent' };

/** What the broker is under unless a test says otherwise. */
export const policy = {
  version: 1,
  resources: {
    [ORDERS]: { narrowing: 'minted', scopes: ['orders.read', 'orders.write'], maxTokenSeconds: 600 },
    [GRAPH]: {
      narrowing: 'provider',
      provider: 'aad',
      scopes: ['Mail.Read', 'User.Read'],
      allowWider: false,
    },
    [WIDE]: { narrowing: 'provider', provider: 'aad', scopes: ['A', 'B'], allowWider: true },
    'api://nobodys': { narrowing: 'minted', scopes: ['x'] },
  },
  clients: {
    [NIGHTLY.id]: {
      auth: { secretSetting: 'NIGHTLY_SECRET', entraAppId: NIGHTLY.appId },
      resources: {
        [ORDERS]: ['orders.read', 'orders.write'],
        [GRAPH]: ['Mail.Read', 'User.Read'],
        [WIDE]: ['A', 'B'],
      },
      maxGrantDays: 30,
      redirectUris: [CALLBACK, 'http://localhost:4000/cb'],
    },
    [MAIL.id]: {
      auth: { secretSetting: 'MAIL_SECRET' },
      resources: { [ORDERS]: ['orders.read'] },
      grantTypes: ['refresh_token'],
    },
    [SECOND.id]: {
      auth: { secretSetting: 'SECOND_SECRET' },
      resources: { [ORDERS]: ['orders.read'] },
      redirectUris: [CALLBACK],
    },
  },
};

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose form is what is being tested
  readonly body: any;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface TestBroker {
  readonly broker: Broker;
  readonly entra: Entra;
  readonly tables: TableServer;
  /** The line to the tables, to be cut. */
  readonly link: Link;
  readonly time: { now: number };
  readonly logged: string[];
  call(route: HttpRoute, asked?: Asked): Promise<Answer>;
  /** Another broker over the same tables, with other settings. */
  compose(env: Environment, parts?: Partial<System>): Broker;
  /** The same, called through another broker over the same tables that is under another policy. */
  under(document: unknown, env?: Environment): TestBroker;
  /** Audit rows of a type, oldest first. */
  audited(type: string): Promise<readonly AuditEvent[]>;
}

/** The whole broker over real tables and a real HTTP provider; the clock is the test's. */
export function withBroker(): TestBroker {
  const time = { now: NOW };
  const logged: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'broker-'));
  const machine = system(time, logged);
  let parts: { tables: TableServer; entra: Entra; link: Link; broker: Broker } | undefined;
  const running = () => {
    if (!parts) throw new Error('the broker is not started');
    return parts;
  };
  beforeAll(async () => {
    const [tables, entra] = await Promise.all([startTables(), startEntra()]);
    const link = await openLink(Number(new URL(tables.endpoint).port));
    parts = {
      tables,
      entra,
      link,
      broker: composeBroker(environment(folder, { tables, entra, link }), machine),
    };
  });
  afterAll(async () => {
    await Promise.all([parts?.tables.close(), parts?.entra.close(), parts?.link.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const test: TestBroker = {
    get broker() {
      return running().broker;
    },
    get entra() {
      return running().entra;
    },
    get tables() {
      return running().tables;
    },
    get link() {
      return running().link;
    },
    time,
    logged,
    call: (route, asked) => callRoute(running().broker, route, asked),
    compose: (env, parts = {}) =>
      composeBroker({ ...environment(folder, running()), ...env }, { ...machine, ...parts }),
    under(document, env = {}) {
      const file = join(folder, `${randomUUID()}.json`);
      writeFileSync(file, JSON.stringify(document));
      const broker = test.compose({ BROKER_POLICY_FILE: file, ...env });
      const call: TestBroker['call'] = (route, asked) => callRoute(broker, route, asked);
      return Object.create(test, { broker: { value: broker }, call: { value: call } });
    },
    async audited(type) {
      const { connectionString } = running().tables;
      const log = createAuditLog(createTables({ connectionString })('audit'));
      const { items } = await log.query({ from: 0, to: time.now + 1, limit: 1000, match: { type } });
      return [...items].reverse();
    },
  };
  return test;
}

export async function callRoute(broker: Broker, route: HttpRoute, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', url = PUBLIC, headers = {}, params = {}, body } = asked;
  const request = new HttpRequest({
    method,
    url,
    headers: { ...headers },
    params: { ...params },
    ...(body === undefined ? {} : { body: { string: body } }),
  });
  return read(await broker.http[route](request, new InvocationContext({ invocationId: randomUUID() })));
}

function read(given: unknown): Answer {
  const init: HttpResponseInit = typeof given === 'object' && given !== null ? given : {};
  const text = init.jsonBody === undefined ? String(init.body ?? '') : JSON.stringify(init.jsonBody);
  const headers = Object.entries(init.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  return {
    status: init.status ?? 200,
    headers: Object.fromEntries(headers),
    body: init.jsonBody === undefined ? undefined : JSON.parse(text),
    text,
  };
}

export function environment(
  folder: string,
  { tables, entra, link }: { tables: TableServer; entra: Entra; link: Link },
): Environment {
  const policyFile = join(folder, 'policy.json');
  writeFileSync(policyFile, JSON.stringify(policy));
  const endpoint = tables.endpoint.replace(/:\d+/, `:${link.port}`);
  return {
    BROKER_ISSUER: PUBLIC,
    WEBSITE_AUTH_ENABLED: 'true',
    BROKER_POLICY_FILE: policyFile,
    BROKER_TABLES_CONNECTION_STRING: tables.connectionString.replace(tables.endpoint, endpoint),
    BROKER_VAULT_KEY_FILE: join(folder, 'vault.key'),
    BROKER_AAD_ISSUER: entra.issuer,
    BROKER_AAD_CLIENT_ID: APP_ID,
    BROKER_AAD_CLIENT_SECRET: 'secret of the app registration',
    BROKER_AUDIENCES: 'api://token-broker',
    BROKER_REFRESH_SCHEDULE: '0 * * * * *',
    NIGHTLY_SECRET: NIGHTLY.secret,
    MAIL_SECRET: MAIL.secret,
    SECOND_SECRET: SECOND.secret,
  };
}

function system(time: { now: number }, lines: string[]) {
  const write = (message: string, fields: LogFields = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { info: write, warn: write, error: write };
  return {
    clock: () => time.now,
    random: systemRandom,
    log,
    sleep: async () => {
      await sleep(2);
    },
    tables: agedTables(() => time.now),
  };
}

/** Table Storage's own, whose rows age by the test's clock: one table for all brokers of a test, so that they see one age. */
function agedTables(clock: () => number): NonNullable<System['tables']> {
  const opened = new Map<string, Table>();
  return (location) => {
    const open = createTables(location);
    return (name) => {
      const key = JSON.stringify([location, name]);
      const table = opened.get(key) ?? withFaults(open(name), clock);
      opened.set(key, table);
      return table;
    };
  };
}
