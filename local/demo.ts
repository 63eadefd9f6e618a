import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createCast } from './demo/cast.js';
import { createNarrator, DemoFailed, members } from './demo/narrator.js';
import { startOrdersApi } from './demo/orders_api.js';
import { tellStory } from './demo/story.js';
import { StackFault } from './stack/fault.js';
import { startStack } from './stack/stack.js';
import { type StackJson, stackJsonPath } from './stack/stack_json.js';

interface RunningStack {
  readonly json: StackJson;
  stop(): Promise<void>;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

/** `npm run demo`: on the running stack, or on one of its own that leaves nothing behind. */
async function main(): Promise<void> {
  const stack = (await findRunning()) ?? (await startOwn());
  const restore = await rememberLifetimes(stack.json);
  const orders = await startOrdersApi(stack.json.gateway);
  try {
    await tellStory(createCast(stack.json, createNarrator(print)), orders);
    print('\nDemo passed: every step showed what it should.');
  } finally {
    await orders.close();
    await restore();
    await stack.stop();
  }
}

async function findRunning(): Promise<RunningStack | undefined> {
  const json = readStackJson(resolve(process.env.LOCAL_STATE_DIR || '.local'));
  if (!json) return undefined;
  const alive = await fetch(`${json.gateway}/health/live`).then(
    (response) => response.ok,
    () => false,
  );
  if (!alive) return undefined;
  print(`Using the running stack at ${json.gateway}.`);
  return { json, stop: async () => undefined };
}

/** Written by our own `npm start`; without one there is no running stack to use. */
function readStackJson(stateDir: string): StackJson | undefined {
  try {
    return JSON.parse(readFileSync(stackJsonPath(stateDir), 'utf8')) as StackJson;
  } catch {
    return undefined;
  }
}

const FREE_PORTS = {
  EASYAUTH_PORT: '0',
  FUNCTIONS_PORT: '0',
  IDP_PORT: '0',
  AZURITE_BLOB_PORT: '0',
  AZURITE_QUEUE_PORT: '0',
  AZURITE_TABLE_PORT: '0',
};

async function startOwn(): Promise<RunningStack> {
  print('No stack is running: starting one for the demo.');
  const stateDir = mkdtempSync(join(tmpdir(), 'token-broker-demo-'));
  const stack = await startStack({ stateDir, env: { ...process.env, ...FREE_PORTS }, print });
  const stop = async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void stop().then(() => process.exit(130)));
  return { json: stack.json, stop };
}

/** The demo shortens token lifetimes; a stack that was running gets its own back. */
async function rememberLifetimes({ idp }: StackJson): Promise<() => Promise<void>> {
  const response = await fetch(`${idp}/_admin/state`);
  const { accessTokenSeconds } = members(members(await response.json()).settings);
  return async () => {
    await fetch(`${idp}/_admin/lifetimes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ accessTokenSeconds }),
    });
  };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const known = error instanceof DemoFailed || error instanceof StackFault;
    const why = known ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`\nDemo failed: ${why}\n`);
    process.exit(1);
  },
);
