import { resolveSettings } from './app/app_settings.js';
import type { HostFunction } from './app/functions.js';
import type { HostConfig } from './app/host_json.js';
import type { Report } from './app/section.js';
import type { Clock } from './clock.js';
import type { Invoker } from './invocation/invoker.js';
import type { Log } from './log.js';
import { startQueueListener } from './queue/listener.js';
import { type Accounts, connectionProblem } from './storage/accounts.js';
import { type Listener, startTimerListener } from './timer/listener.js';
import { takeLock } from './timer/lock.js';
import { readRetryPolicy } from './timer/retry.js';
import { parseSchedule, type Schedule } from './timer/schedule.js';

export interface ListenerDeps {
  config: HostConfig;
  hostId: string;
  accounts: Accounts;
  invoker: Invoker;
  clock: Clock;
  log: Log;
}

/** A timer or queue function, checked and ready to be listened for. */
export interface PreparedListener {
  fn: HostFunction;
  schedule?: Schedule;
  start(deps: ListenerDeps): Promise<Listener>;
}

/** Resolves the settings of timers and queues. Every fault is a problem naming its function. */
export function prepareListeners(
  functions: readonly HostFunction[],
  env: NodeJS.ProcessEnv,
  report: Report,
): PreparedListener[] {
  const prepared: PreparedListener[] = [];
  for (const fn of functions) {
    const problem = (text: string) => report.problem(`function "${fn.name}": ${text}`);
    checkOutputs(fn, env, report);
    if (fn.trigger.kind === 'timer') prepared.push(...prepareTimer(fn, env, { ...report, problem }));
    if (fn.trigger.kind === 'queue') prepared.push(...prepareQueue(fn, env, { ...report, problem }));
  }
  return prepared;
}

function checkOutputs(fn: HostFunction, env: NodeJS.ProcessEnv, report: Report): void {
  for (const output of fn.queueOutputs) {
    const what = `function "${fn.name}": output queueName`;
    checkQueueName(resolveSettings(output.queueName, env, what, report), what, report);
    const wrong = connectionProblem(output.connection, env);
    if (wrong) report.problem(`function "${fn.name}": ${wrong}`);
  }
}

function prepareTimer(fn: HostFunction, env: NodeJS.ProcessEnv, report: Report): PreparedListener[] {
  const { trigger } = fn;
  if (trigger.kind !== 'timer') return [];
  const wrong = connectionProblem(undefined, env);
  if (wrong) report.problem(`${wrong}; a timer keeps its lock and status there`);
  const text = resolveSettings(trigger.schedule, env, 'schedule', report);
  let schedule: Schedule;
  try {
    schedule = parseSchedule(text);
  } catch (error) {
    report.problem(`schedule "${text}": ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  return [{ fn, schedule, start: (deps) => startTimer(deps, fn, schedule) }];
}

async function startTimer(deps: ListenerDeps, fn: HostFunction, schedule: Schedule): Promise<Listener> {
  const { accounts, hostId, config, clock, log } = deps;
  const open = await accounts.hostBlobs();
  const health = accounts.blobHealth();
  const trigger = fn.trigger.kind === 'timer' ? fn.trigger : undefined;
  const monitored = trigger?.useMonitor === true && !schedule.runsWithinMinute(clock.now());
  const blob = open(`locks/${hostId}/Host.Functions.${fn.name}.Listener`);
  return startTimerListener({
    name: fn.name,
    schedule,
    runOnStartup: trigger?.runOnStartup === true,
    monitor: monitored ? open(`timers/${hostId}/Host.Functions.${fn.name}/status`) : undefined,
    retry: readRetryPolicy(fn.retry),
    takeLock: () => takeLock({ blob, seconds: config.lockSeconds, clock, health }),
    lockPollMs: config.lockPollMs,
    run: (input) => deps.invoker.invoke(fn, input),
    clock,
    log,
    health,
  });
}

function prepareQueue(fn: HostFunction, env: NodeJS.ProcessEnv, report: Report): PreparedListener[] {
  const { trigger } = fn;
  if (trigger.kind !== 'queue') return [];
  const wrong = connectionProblem(trigger.connection, env);
  if (wrong) report.problem(wrong);
  const queueName = resolveSettings(trigger.queueName, env, 'queueName', report);
  checkQueueName(queueName, 'queueName', report);
  return [{ fn, start: (deps) => startQueue(deps, fn, { queueName, connection: trigger.connection }) }];
}

async function startQueue(
  deps: ListenerDeps,
  fn: HostFunction,
  { queueName, connection }: { queueName: string; connection: string | undefined },
): Promise<Listener> {
  const { accounts, clock, log } = deps;
  const open = await accounts.queues(connection);
  const poisonName = `${queueName}-poison`;
  const hasPoison = !queueName.endsWith('-poison') && poisonName.length <= 63;
  return startQueueListener({
    name: fn.name,
    queue: open(queueName),
    poison: hasPoison ? open(poisonName) : undefined,
    config: deps.config.queues,
    run: (input) => deps.invoker.invoke(fn, input),
    clock,
    log,
    health: accounts.queueHealth(connection),
  });
}

function checkQueueName(name: string, what: string, report: Report): void {
  if (!/^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) {
    report.problem(`${what} "${name}" is not 3 to 63 lower-case letters, digits and single hyphens`);
  }
}
