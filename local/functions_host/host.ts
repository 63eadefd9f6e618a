import { resolve } from 'node:path';
import { isDisabled, loadLocalSettings, resolveSettings } from './app/app_settings.js';
import type { HostFunction } from './app/functions.js';
import { type HostConfig, readHostConfig } from './app/host_json.js';
import { createFindings, createLoggingCore, defaultHostId, type Findings, loadApp } from './app/load_app.js';
import { type Clock, systemClock } from './clock.js';
import { HostStartError } from './errors.js';
import { createHttpApp } from './http/app.js';
import { type HttpServer, listen } from './http/server.js';
import { createInvoker, type Invoker } from './invocation/invoker.js';
import { prepareListeners } from './listeners.js';
import { createLog, type Log } from './log.js';
import { sendQueueOutputs } from './queue/output.js';
import { createShutdown, type Shutdown } from './shutdown.js';
import { createAccounts } from './storage/accounts.js';
import { createHealthBook } from './storage/health.js';
import type { Listener } from './timer/listener.js';

export interface FunctionsHostOptions {
  /** The folder with host.json and package.json. */
  appRoot: string;
  /** 0 takes a free one; undefined takes that of local.settings.json, else 7071. */
  port?: number | undefined;
  /** The environment; values of local.settings.json are put into it. Functions themselves read `process.env`. */
  env: NodeJS.ProcessEnv;
  /** Takes each log line. */
  log: (line: string) => void;
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
  /** Path of a keys file; without one every function is open. */
  keys?: string | undefined;
  /** Milliseconds that running invocations may take to end once the host is closed; 10 s. */
  shutdownTimeout?: number | undefined;
  /** The process cannot go on, as after `functionTimeout`: running invocations have been failed and must be given a moment. */
  onFatal?: (() => void) | undefined;
}

export interface FunctionsHost {
  url: string;
  port: number;
  /** How many invocations are running. */
  running(): number;
  /** Stops listeners, waits for running invocations (at most 10 s), runs appTerminate hooks. */
  close(): Promise<void>;
  /** Fails everything that is running, so that clients get their 500 and messages go back; for when the process must end. */
  abandon(reason: string): Promise<void>;
  log: Log;
}

let used = false;

/**
 * Runs a Functions app in this process and resolves when it serves. Throws `HostStartError` with every problem found. One host
 * a process, ever: the library keeps the first core module it was given.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  if (used)
    throw new HostStartError(['this process has already run a Functions host; start another process']);
  used = true;
  const findings = createFindings();
  const appRoot = resolve(options.appRoot);
  const { env } = options;
  const settings = loadLocalSettings(appRoot, env, findings);
  env.AZURE_FUNCTIONS_ENVIRONMENT ??= 'Development';
  checkRuntime(env, findings);
  const config = readHostConfig(appRoot, env, findings);
  const clock = systemClock(options.now);
  const log = createLog({ sink: options.log, now: clock.now, thresholds: config.logThresholds });
  for (const warning of findings.warnings) log.write('warning', 'Host.Startup', warning);
  findings.refuse();

  const http = createHttpApp({ env, config, log, findings, keysPath: options.keys });
  const server = await listen(options.port ?? settings.port ?? 7071, http.handler);
  env.WEBSITE_HOSTNAME ??= `localhost:${server.port}`;
  try {
    return await assemble({ options, appRoot, config, clock, log, findings, http, server });
  } catch (error) {
    await server.close();
    throw error;
  }
}

interface Parts {
  options: FunctionsHostOptions;
  appRoot: string;
  config: HostConfig;
  clock: Clock;
  log: Log;
  findings: Findings;
  http: ReturnType<typeof createHttpApp>;
  server: HttpServer;
}

async function assemble(parts: Parts): Promise<FunctionsHost> {
  const { options, appRoot, config, clock, log, findings, http, server } = parts;
  const { env } = options;
  const core = createLoggingCore(log);
  const functions = await loadApp(appRoot, core, { report: findings, only: config.functions });
  const prepared = prepareListeners(functions, env, findings);
  const accounts = createAccounts(env, createHealthBook(log));
  let shutdown: Shutdown | undefined;
  const fatal = () => void shutdown?.abandon('the process is ending').then(() => options.onFatal?.());
  const invoker: Invoker = createInvoker({
    core,
    log,
    clock,
    timeoutMs: config.functionTimeoutMs,
    onTimeout: fatal,
    sendOutputs: (fn, response) =>
      sendQueueOutputs(fn, response, {
        encoding: config.queues.messageEncoding,
        async open({ queueName, connection }) {
          const open = await accounts.queues(connection);
          return open(resolveSettings(queueName, env, 'queueName', findings));
        },
      }),
  });
  const hostId = config.hostId ?? defaultHostId(appRoot);
  http.attach({ functions, prepared, invoker, hostId });
  findings.refuse();
  http.start();

  const enabled = prepared.filter(({ fn }) => !isDisabled(fn.name, env));
  const deps = { config, hostId, accounts, invoker, clock, log };
  const listeners: Listener[] = await Promise.all(enabled.map((listener) => listener.start(deps)));
  const drainLimitMs = options.shutdownTimeout ?? 10_000;
  shutdown = createShutdown({ core, log, invoker, listeners, server, stopHttp: http.stop, drainLimitMs });
  const url = `http://localhost:${server.port}`;
  announce(log, functions, { url, env });
  const { close, abandon } = shutdown;
  return { url, port: server.port, running: invoker.running, close, abandon, log };
}

function checkRuntime(env: NodeJS.ProcessEnv, findings: Findings): void {
  const runtime = env.FUNCTIONS_WORKER_RUNTIME;
  if (runtime && runtime !== 'node') findings.problem('FUNCTIONS_WORKER_RUNTIME must be node');
  if (env.WEBSITE_TIME_ZONE) findings.warning('WEBSITE_TIME_ZONE is ignored: timers run in UTC');
}

function announce(
  log: Log,
  functions: readonly HostFunction[],
  { url, env }: { url: string; env: NodeJS.ProcessEnv },
): void {
  for (const { name, trigger } of functions) {
    const off = isDisabled(name, env) ? { disabled: true } : {};
    const what = trigger.kind === 'http' ? { methods: trigger.methods.join(','), route: trigger.route } : {};
    log.write('information', 'Host.Startup', 'function', { name, trigger: trigger.kind, ...what, ...off });
  }
  log.write('information', 'Host.Startup', 'listening', { url, functions: functions.length });
}
