import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type BlobServer, startBlobs } from './blobs.js';
import { type Compiled, compileGateway, type Running, runGateway } from './command.js';
import { type EchoApp, startEchoApp } from './echo_app.js';
import { clientSecret, type ScriptedProvider, startScriptedProvider } from './scripted_provider.js';
import { ordinaryConfig } from './stack.js';

type Environment = Record<string, string>;

export interface CommandOptions {
  /** Members laid over the ordinary configuration, by path. */
  readonly changes?: Record<string, unknown> | undefined;
  readonly env?: Environment | undefined;
  readonly workers: number;
  /** The state of another gateway, to share it. */
  readonly stateDir?: string | undefined;
}

export interface ServedCommand extends Running {
  readonly url: string;
  readonly stateDir: string;
}

/** What gateways need that run as the compiled command, on the real clock: an app, a provider, a blob service. */
export interface CommandStack {
  readonly compiled: Compiled;
  readonly app: EchoApp;
  readonly provider: ScriptedProvider;
  readonly directory: string;
  serve(options: CommandOptions): Promise<ServedCommand>;
  /** The environment that puts the tokens into a new blob container. */
  inBlobs(): Promise<Environment>;
}

async function start(): Promise<CommandStack & { readonly blobs: BlobServer }> {
  const clock = { now: Date.now, advance: () => {} };
  const [compiled, blobs, app, provider, directory] = await Promise.all([
    compileGateway(),
    startBlobs(),
    startEchoApp(),
    startScriptedProvider(clock),
    mkdtemp(join(tmpdir(), 'easyauth-command-')),
  ]);
  return {
    compiled,
    app,
    provider,
    directory,
    blobs,
    serve: async ({ changes, env, workers, stateDir: shared }) => {
      const stateDir = shared ?? (await mkdtemp(join(directory, 'state-')));
      const config = join(stateDir, 'auth.json');
      await writeFile(config, JSON.stringify(ordinaryConfig(provider.issuer, changes)));
      const args = { '--config': config, '--upstream': app.url, '--state': stateDir, '--port': '0' };
      const run = runGateway(
        compiled.command,
        [...Object.entries(args).flat(), '--workers', String(workers)],
        {
          AAD_SECRET: clientSecret,
          ...env,
        },
      );
      const [, url = ''] = await run.saying(/listening url=(\S+)/);
      return { ...run, url, stateDir };
    },
    inBlobs: async () => {
      const name = randomUUID();
      await blobs.container(name);
      return { WEBSITE_AUTH_TOKEN_CONTAINER_SASURL: await blobs.sasUrl(name) };
    },
  };
}

/** A stack for one file: started before its tests, closed after them. */
export function useCommandStack(): () => CommandStack {
  let stack: Awaited<ReturnType<typeof start>> | undefined;
  beforeAll(async () => {
    stack = await start();
  });
  afterAll(async () => {
    if (stack === undefined) return;
    await Promise.all([
      stack.app.close(),
      stack.provider.close(),
      stack.blobs.close(),
      stack.compiled.remove(),
    ]);
    await rm(stack.directory, { recursive: true, force: true });
  });
  return () => {
    if (stack === undefined) throw new Error('the stack is not started');
    return stack;
  };
}
