import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigRefused } from '../../shared/config.js';
import { readSettings } from '../../shared/settings.js';
import { StackFault } from './fault.js';
import { type Part, type PartSpec, startPart } from './part.js';
import { addressesOf, type PartName, planParts, type StackPlan } from './parts.js';
import { settlePorts } from './ports.js';
import { type StackJson, stackJson, stackJsonPath, writeStackJson } from './stack_json.js';
import { claimStateDir, loadSecrets } from './state_dir.js';

export interface Stack {
  readonly json: StackJson;
  /** Rejects with a StackFault when a part has died for good. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
}

/** Restarts of the Functions host within the window before the stack gives up, as Azure does with its worker. */
const MOST_RESTARTS = 5;
const RESTART_WINDOW_MS = 5 * 60_000;
const RESTART_PAUSE_MS = 500;

/** Later ones need earlier ones; they are stopped the other way round. */
const START_ORDER: readonly PartName[] = ['azurite', 'idp', 'functions', 'gateway'];

/**
 * Brings up every part as its own process and keeps them up.
 * @throws StackFault when a port is taken, the state directory is in use, or a part does not get ready
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const release = claimStateDir(options.stateDir);
  const parts = new Map<PartName, Part>();
  const state = { stopping: false };
  const stop = once(async () => {
    state.stopping = true;
    for (const name of [...START_ORDER].reverse()) await parts.get(name)?.stop();
    rmSync(stackJsonPath(options.stateDir), { force: true });
    release();
  });
  try {
    const ports = await settlePorts(options.env);
    const plan = { ...options, ports, secrets: loadSecrets(options.stateDir) };
    const specs = planParts(plan);
    checkSettings(specs.functions);
    await startAll(specs, parts);
    const json = publish(plan, parts);
    const failed = watch({ ...options, plan, specs, parts, state });
    failed.catch(() => undefined);
    return { json, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** In Azure the app starts and says what is wrong in its log; here somebody is looking, so it is said before anything starts. */
function checkSettings(functions: PartSpec): void {
  try {
    readSettings(functions.env);
  } catch (error) {
    throw error instanceof ConfigRefused ? new StackFault(error.message) : error;
  }
}

/** Azurite and the identity provider need nobody; the host and the gateway only need their addresses to be served. */
async function startAll(
  specs: Readonly<Record<PartName, PartSpec>>,
  parts: Map<PartName, Part>,
): Promise<void> {
  const start = async (name: PartName) => {
    parts.set(name, await startPart(specs[name]));
  };
  for (const wave of [
    ['azurite', 'idp'],
    ['functions', 'gateway'],
  ] as const) {
    const results = await Promise.allSettled(wave.map(start));
    const broken = results.find((result) => result.status === 'rejected');
    if (broken) throw broken.reason;
  }
}

function publish(plan: StackPlan, parts: ReadonlyMap<PartName, Part>): StackJson {
  const pid = (name: PartName) => parts.get(name)?.pid();
  const pids = {
    gateway: pid('gateway'),
    functions: pid('functions'),
    idp: pid('idp'),
    azurite: pid('azurite'),
  };
  const json = stackJson(addressesOf(plan), plan.secrets, pids);
  writeStackJson(plan.stateDir, json);
  return json;
}

interface Watched extends StackOptions {
  readonly plan: StackPlan;
  readonly specs: Readonly<Record<PartName, PartSpec>>;
  readonly parts: Map<PartName, Part>;
  readonly state: { readonly stopping: boolean };
}

function watch(watched: Watched): Promise<never> {
  const others = START_ORDER.filter((name) => name !== 'functions');
  return Promise.race([keepFunctionsUp(watched), ...others.map((name) => diesOnce(watched, name))]);
}

async function diesOnce({ parts, state }: Watched, name: PartName): Promise<never> {
  const reason = await parts.get(name)?.ended;
  return state.stopping ? never() : fail(`${name} ${reason}`);
}

/** An uncaught error in a function ends its process, here as in Azure; it comes back, but not for ever. */
async function keepFunctionsUp(watched: Watched): Promise<never> {
  const restarts: number[] = [];
  for (;;) {
    const reason = await watched.parts.get('functions')?.ended;
    if (watched.state.stopping) return never();
    const now = Date.now();
    restarts.push(now);
    const recent = restarts.filter((at) => now - at < RESTART_WINDOW_MS).length;
    if (recent > MOST_RESTARTS)
      return fail(`functions ${reason}, and ${MOST_RESTARTS} restarts did not help`);
    watched.print(`functions ${reason}; restarting (${recent} of ${MOST_RESTARTS})`);
    await sleep(RESTART_PAUSE_MS * 2 ** (recent - 1));
    if (watched.state.stopping) return never();
    watched.parts.set('functions', await startPart(watched.specs.functions));
    publish(watched.plan, watched.parts);
  }
}

function fail(message: string): never {
  throw new StackFault(message);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
