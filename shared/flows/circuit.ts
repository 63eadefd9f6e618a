import { eventOf } from '../domain/event.js';
import type { AuditLog, CircuitOpening, CircuitStore, Clock, ClosedCircuit, Log, Random } from '../ports.js';
import type { Publish } from './publish.js';

export interface CircuitDeps {
  readonly circuits: CircuitStore;
  readonly audit: AuditLog;
  readonly publish: Publish;
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
  if (opening.class === 'transient') {
    if (opened) deps.log.warn('the provider asks everybody to wait', { registration });
    return;
  }
  await alarm(deps, registration);
  if (!opened) return;
  deps.log.error('the provider refuses the app registration', { registration });
  await record(deps, 'circuit.opened', registration);
}

/** Told by everybody who is refused, under one name an opening: the first telling may not have got out. */
async function alarm({ circuits, publish, clock }: CircuitDeps, registration: string): Promise<void> {
  const circuit = await circuits.look(registration);
  if (circuit?.class !== 'broker_misconfigured') return;
  const about = { subject: registration, at: clock(), occasion: String(circuit.openedAt) };
  const reason = `${registration}: broker_misconfigured`;
  const action = 'mend the app registration (secret, certificate, permissions)';
  await publish(eventOf('circuit.opened', about, { reason, action }));
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
