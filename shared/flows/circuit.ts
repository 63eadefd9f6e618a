import type { AuditLog, CircuitOpening, CircuitStore, Clock, ClosedCircuit, Log, Random } from '../ports.js';

export interface CircuitDeps {
  readonly circuits: CircuitStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * From now on nobody asks with this registration until then. One alarm an opening, however many users ran into it at once; a provider
 * that asks for time is no alarm, and may do so all day long.
 */
export async function openCircuit(
  deps: CircuitDeps,
  registration: string,
  opening: Omit<CircuitOpening, 'now'>,
): Promise<void> {
  const opened = await deps.circuits.open(registration, { ...opening, now: deps.clock() });
  if (!opened) return;
  if (opening.class === 'transient')
    return deps.log.warn('the provider asks everybody to wait', { registration });
  deps.log.error('the provider refuses the app registration', { registration });
  await record(deps, 'circuit.opened', registration);
}

/** The provider answers again. Undefined when another has noticed first. */
export async function closeCircuit(
  deps: CircuitDeps,
  registration: string,
): Promise<ClosedCircuit | undefined> {
  const closed = await deps.circuits.close(registration);
  if (!closed) return undefined;
  deps.log.info('the provider can be used again', { registration, class: closed.class });
  if (closed.class === 'broker_misconfigured') await record(deps, 'circuit.closed', registration);
  return closed;
}

async function record(
  deps: CircuitDeps,
  type: 'circuit.opened' | 'circuit.closed',
  registration: string,
): Promise<void> {
  const reason = `${registration}: broker_misconfigured`;
  await deps.audit.append({ id: deps.random.uuid(), at: deps.clock(), type, reason });
}
