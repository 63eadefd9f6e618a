import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Gateway, startGateway } from '../../../easyauth/gateway.js';
import { formatLine, type Log } from '../../../easyauth/log.js';
import { type Clock, createClock } from './clock.js';
import { type EchoApp, startEchoApp } from './echo_app.js';
import { clientId, clientSecret, type ScriptedProvider, startScriptedProvider } from './scripted_provider.js';

type Json = Record<string, unknown>;

export interface StackOptions {
  /** Members laid over the ordinary configuration, by path. */
  readonly config?: Record<string, unknown>;
  readonly env?: Record<string, string>;
  readonly clock?: Clock;
}

export interface Stack {
  readonly gateway: Gateway;
  readonly provider: ScriptedProvider;
  readonly app: EchoApp;
  readonly clock: Clock;
  readonly stateDir: string;
  /** Everything logged so far, as lines. */
  readonly lines: string[];
  readonly config: Json;
  /** Another gateway over the same state, as a second instance behind one address. */
  another(): Promise<Gateway>;
  close(): Promise<void>;
}

function lay(tree: Json, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = tree;
  for (const name of names) {
    const next = (at[name] ?? {}) as Json;
    at[name] = next;
    at = next;
  }
  at[last] = value;
}

/** The configuration most tests use: Entra with a secret, store on, 401 for the unauthenticated. */
export function ordinaryConfig(issuer: string, changes: Record<string, unknown> = {}): Json {
  const tree: Json = {
    platform: { enabled: true },
    globalValidation: {
      requireAuthentication: true,
      unauthenticatedClientAction: 'Return401',
      excludedPaths: ['/', '/health', '/public/*'],
    },
    httpSettings: { requireHttps: false },
    login: { tokenStore: { enabled: true } },
    identityProviders: {
      azureActiveDirectory: {
        registration: { openIdIssuer: issuer, clientId, clientSecretSettingName: 'AAD_SECRET' },
        login: { loginParameters: ['scope=openid profile email offline_access'] },
      },
    },
  };
  for (const [path, value] of Object.entries(changes)) lay(tree, path, value);
  return tree;
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const clock = options.clock ?? createClock();
  const [provider, app] = await Promise.all([startScriptedProvider(clock), startEchoApp()]);
  const stateDir = await mkdtemp(join(tmpdir(), 'easyauth-'));
  const lines: string[] = [];
  const log: Log = (level, message, fields) => lines.push(formatLine(clock.now(), level, message, fields));
  const config = ordinaryConfig(provider.issuer, options.config);
  const env = { AAD_SECRET: clientSecret, ...options.env };
  const start = () =>
    startGateway({ config, upstream: app.url, port: 0, stateDir, env, now: clock.now, log });
  const gateways: Gateway[] = [];
  const another = async () => {
    const gateway = await start();
    gateways.push(gateway);
    return gateway;
  };
  const gateway = await another();
  return {
    gateway,
    provider,
    app,
    clock,
    stateDir,
    lines,
    config,
    another,
    close: async () => {
      await app.close();
      await Promise.all(gateways.map((each) => each.close()));
      await provider.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** A stack for one file or describe block: started before its tests, closed after them. */
export function useStack(options: StackOptions = {}): () => Stack {
  let stack: Stack | undefined;
  beforeAll(async () => {
    stack = await startStack(options);
  });
  afterAll(async () => {
    await stack?.close();
  });
  return () => {
    if (stack === undefined) throw new Error('the stack is not started');
    return stack;
  };
}
