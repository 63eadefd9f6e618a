import type { Core } from './app/core_module.js';
import { errorText } from './errors.js';
import type { HttpServer } from './http/server.js';
import { runHooks } from './invocation/hooks.js';
import type { Invoker } from './invocation/invoker.js';
import type { Log } from './log.js';
import type { Listener } from './timer/listener.js';

export interface ShutdownDeps {
  core: Core;
  log: Log;
  invoker: Invoker;
  listeners: readonly Listener[];
  server: HttpServer;
  /** From now on requests are answered 503. */
  stopHttp: () => void;
  /** How long running invocations may take to end, in milliseconds. */
  drainLimitMs: number;
}

export interface Shutdown {
  close(): Promise<void>;
  abandon(reason: string): Promise<void>;
}

const hooksLimitMs = 5_000;
const abandonLimitMs = 1_000;

/** The two ends of a host: gracefully, and at once. Both may be called more than once. */
export function createShutdown(deps: ShutdownDeps): Shutdown {
  let closing: Promise<void> | undefined;
  let abandoning: Promise<void> | undefined;
  return {
    close: () => {
      closing ??= close(deps);
      return closing;
    },
    abandon: (reason) => {
      abandoning ??= abandon(deps, reason);
      return abandoning;
    },
  };
}

async function close(deps: ShutdownDeps): Promise<void> {
  const { core, log, invoker, listeners, server, stopHttp } = deps;
  stopHttp();
  log.write('information', 'Host.Shutdown', 'stopping', { running: invoker.running() });
  const work = Promise.all([server.close(), invoker.idle(), ...listeners.map((listener) => listener.stop())]);
  if (!(await settlesWithin(work, deps.drainLimitMs))) {
    log.write('warning', 'Host.Shutdown', 'invocations cut off', { running: invoker.running() });
    invoker.cutOff('the host is stopping');
    await settlesWithin(work, abandonLimitMs);
  }
  const hooks = runHooks(core.hooks('appTerminate'), { hookData: core.hookData }).catch((error: unknown) =>
    log.write('error', 'Host.Shutdown', `an appTerminate hook failed: ${errorText(error)}`),
  );
  await settlesWithin(hooks, hooksLimitMs);
  log.write('information', 'Host.Shutdown', 'stopped');
}

async function abandon(
  { invoker, listeners, server, stopHttp }: ShutdownDeps,
  reason: string,
): Promise<void> {
  stopHttp();
  invoker.cutOff(reason);
  await settlesWithin(
    Promise.all([server.close(), ...listeners.map((listener) => listener.stop())]),
    abandonLimitMs,
  );
}

function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), ms);
    work.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}
