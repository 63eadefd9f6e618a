import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { type Broker, composeBroker } from '../../../shared/compose.js';
import type { Environment } from '../../../shared/config.js';
import { callRoute, environment, NIGHTLY } from '../../broker/support/broker.js';
import { basic, FORM, formText, postJson, principalOf } from '../../broker/support/calls.js';
import { type Entra, startEntra } from '../../broker/support/entra.js';
import { type Link, openLink } from '../../broker/support/link.js';
import { GRAPH } from '../../broker/support/samples.js';
import { startTables, type TableServer } from '../../support/azurite.js';

const SCRIPT = fileURLToPath(new URL('broker_child.mjs', import.meta.url));

export interface TokenAnswer {
  readonly status: number;
  readonly body: { readonly access_token?: string; readonly error?: string };
}

/** A request for a token of Graph in the name of a grant. */
export interface Asked {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface BrokerProcess {
  /** All at once. */
  ask(asked: readonly Asked[]): Promise<readonly TokenAnswer[]>;
  kill(): void;
}

export interface Processes {
  readonly entra: Entra;
  /** In this process, over the same tables. */
  readonly broker: Broker;
  start(env?: Environment): Promise<BrokerProcess>;
  /** A connected user's grant to nightly-report. */
  grant(oid: string): Promise<string>;
}

/** Real processes of the broker over one real table service; their clocks are the machine's. */
export function withProcesses(): Processes {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const children: ChildProcess[] = [];
  let parts: { tables: TableServer; entra: Entra; link: Link; broker: Broker; env: Environment } | undefined;
  const running = () => {
    if (!parts) throw new Error('the tables are not started');
    return parts;
  };
  beforeAll(async () => {
    const [tables, entra] = await Promise.all([startTables(), startEntra()]);
    const link = await openLink(Number(new URL(tables.endpoint).port));
    const env = environment(folder, { tables, entra, link });
    parts = { tables, entra, link, env, broker: composeBroker(env) };
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([parts?.tables.close(), parts?.entra.close(), parts?.link.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get entra() {
      return running().entra;
    },
    get broker() {
      return running().broker;
    },
    async start(env = {}) {
      const child = fork(SCRIPT, [], {
        execArgv: [],
        env: { PATH: process.env.PATH, ...running().env, ...env },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      children.push(child);
      const ended = once(child, 'exit').then(() => Promise.reject(new Error('the process did not start')));
      await Promise.race([once(child, 'message'), ended]);
      ended.catch(() => undefined);
      return {
        async ask(asked) {
          child.send(asked);
          const [answers] = await once(child, 'message');
          return answers;
        },
        kill: () => child.kill('SIGKILL'),
      };
    },
    async grant(oid) {
      const { broker, entra } = running();
      const headers = {
        'x-ms-client-principal': principalOf(oid),
        'x-ms-client-principal-id': oid,
        'x-ms-client-principal-idp': 'aad',
        'x-ms-client-principal-name': `${oid}@contoso.test`,
        'x-ms-token-aad-id-token': await entra.idToken(oid, Math.floor(Date.now() / 1000) * 1000),
        'x-ms-token-aad-refresh-token': `rt.${oid}.0`,
      };
      const body = { client_id: NIGHTLY.id, resource: GRAPH, scope: 'Mail.Read User.Read' };
      const answer = await callRoute(broker, 'createGrant', postJson({ oid, headers }, body));
      if (answer.status !== 201) throw new Error(`no grant: ${answer.status} ${answer.text}`);
      return String(answer.body.grant_id);
    },
  };
}

export function askFor(grantId: string, scope = 'Mail.Read'): Asked {
  const form = { grant_type: 'refresh_token', refresh_token: grantId, resource: GRAPH, scope };
  return { headers: { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) }, body: formText(form) };
}
