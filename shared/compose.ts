import { consoleLog } from './adapters/system.js';
import { createAdapters, type Settings } from './compose/adapters.js';
import { createFlows } from './compose/flows.js';
import { createHandlers, type HttpRoute } from './compose/handlers.js';
import { SYSTEM, type System } from './compose/system.js';
import type { Environment } from './config.js';
import type { DeliverEvent, FindEvents } from './flows/deliver_events.js';
import type { FindDue } from './flows/find_due.js';
import type { SetAside } from './flows/set_aside.js';
import type { Sweep } from './flows/sweep.js';
import type { WorkDue } from './flows/upkeep.js';
import type { HttpHandler } from './http/endpoint.js';
import { createLiveHandler } from './http/health.js';
import { createEntry, type Entry } from './http/host.js';
import type { Log } from './ports.js';
import { readSettings } from './settings.js';

export { composeKeyOperations } from './compose/key_operations.js';
export { policyTools } from './compose/operator.js';
export { composeRefreshOperations } from './compose/refresh_operations.js';
export type { HttpRoute, System };

/** Everything the entry points call. */
export interface Broker {
  readonly http: Readonly<Record<HttpRoute, HttpHandler>>;
  readonly findDue: FindDue;
  readonly workDue: WorkDue;
  /** Writes what is only counted yet: for the end of the process. */
  readonly stop: () => Promise<void>;
  /** Removes what is left of authorization codes. */
  readonly sweepCodes: () => Promise<void>;
  /** Puts back what waits in the second place, and removes what is of no use there. */
  readonly sweepSpill: () => Promise<void>;
  readonly setAside: SetAside;
  readonly findEvents: FindEvents;
  readonly sweep: Sweep;
  readonly deliverEvent: DeliverEvent;
}

/**
 * Builds the broker from its settings.
 * @throws ConfigRefused with every problem of settings and policy
 */
export function composeBroker(env: Environment, system: System = SYSTEM): Broker {
  const settings = readSettings(env);
  logConfigured(system.log, settings);
  const adapters = createAdapters(settings, system);
  const flows = createFlows({ ...system, ...adapters, ...settings });
  return {
    findDue: flows.findDue,
    workDue: flows.workDue,
    stop: adapters.flushAudit,
    sweepCodes: flows.sweepCodes,
    sweepSpill: flows.sweepSpill,
    setAside: flows.setAside,
    findEvents: flows.findEvents,
    sweep: flows.sweep,
    deliverEvent: flows.deliverEvent,
    http: createHandlers({ ...system, ...settings, adapters, flows }),
  };
}

/** What an operator looks for first: which policy is in force, and where the keys are. */
function logConfigured(log: Log, { config, policy }: Settings): void {
  log.info('broker configured', {
    issuer: config.issuer,
    easyAuth: config.easyAuthOn,
    clients: policy.clients.size,
    resources: policy.resources.size,
    policyHash: policy.hash,
    policyRevision: policy.revision,
    vault: 'keyFile' in config.vault ? 'key file' : 'key vault',
  });
}

/** The process's own broker, from its environment; what the files in `functions/` register. */
export const entry: Entry<Broker> = createEntry(() => composeBroker(process.env), consoleLog);

/** Liveness needs no configuration: a process that answers is alive. */
export const live: HttpHandler = createLiveHandler({ log: consoleLog });
