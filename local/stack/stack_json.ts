import { join } from 'node:path';
import { CLIENTS, type DemoClient, GATEWAY_APP, GRAPH, ORDERS, TENANT, USERS } from '../demo/tenant.js';
import type { Addresses } from './parts.js';
import { type LocalSecrets, writePrivate } from './state_dir.js';

/** What a script needs to know of a running stack. */
export interface StackJson {
  readonly gateway: string;
  readonly functions: string;
  readonly idp: string;
  /** Storage connection string. */
  readonly tables: string;
  readonly queues: string;
  readonly pids: Readonly<Record<'gateway' | 'functions' | 'idp' | 'azurite', number | undefined>>;
  readonly users: readonly { name: string; login_hint: string; oid: string; tid: string }[];
  readonly clients: readonly StackClient[];
  readonly auditor: { readonly login_hint: string };
  readonly resources: readonly string[];
}

export interface StackClient {
  readonly client_id: string;
  readonly client_secret: string;
  readonly name: string;
  readonly app_id: string;
  /** Where the client gets an app token of its own, and with which scope. */
  readonly token_url: string;
  readonly scope: string;
}

export function stackJson(addresses: Addresses, secrets: LocalSecrets, pids: StackJson['pids']): StackJson {
  const { gateway, functions, idp, storage } = addresses;
  const client = ({ clientId, name, appId }: DemoClient, secret: string): StackClient => ({
    client_id: clientId,
    client_secret: secret,
    name,
    app_id: appId,
    token_url: `${idp}/${TENANT.tid}/oauth2/v2.0/token`,
    scope: `${GATEWAY_APP.appIdUri}/.default`,
  });
  const auditor = USERS.find((user) => user.auditor);
  return {
    gateway,
    functions,
    idp,
    tables: storage,
    queues: storage,
    pids,
    users: USERS.map(({ name, loginHint, oid }) => ({ name, login_hint: loginHint, oid, tid: TENANT.tid })),
    clients: [
      client(CLIENTS.nightlyReport, secrets.nightlyReport),
      client(CLIENTS.mailAgent, secrets.mailAgent),
    ],
    auditor: { login_hint: auditor?.loginHint ?? '' },
    resources: [GRAPH, ORDERS],
  };
}

export function stackJsonPath(stateDir: string): string {
  return join(stateDir, 'stack.json');
}

/** Holds client secrets of the demo: for its owner only. */
export function writeStackJson(stateDir: string, stack: StackJson): void {
  writePrivate(stackJsonPath(stateDir), `${JSON.stringify(stack, null, 2)}\n`);
}
