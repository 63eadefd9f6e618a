import type { AuditEvent, RefreshFailure } from '../domain/audit_event.js';
import { eventOf } from '../domain/event.js';
import type { AuditLog, CircuitStore, Clock, FailureLog } from '../ports.js';
import type { Publish } from './publish.js';

const HOUR = 3_600_000;

/** An audit log whose deaths are told of. What is in the audit has happened: it is the one place that sees them all. */
export function withDeathsTold(audit: AuditLog, publish: Publish): AuditLog {
  return {
    ...audit,
    async append(item) {
      await audit.append(item);
      if (item.type === 'connection.died') await publish(died(item));
    },
  };
}

function died({ id, at, subject = '', reason = '' }: AuditEvent) {
  return eventOf(
    'connection.died',
    { subject, at, occasion: id },
    { reason, action: 'the user must sign in and connect again' },
  );
}

/** A failure log whose first failure that only the user can mend is told of, and its end. */
export function withUserActionTold(failures: FailureLog, publish: Publish): FailureLog {
  return {
    ...failures,
    async append(item) {
      await failures.append(item);
      if (item.class === 'user_action_required' && item.attempt === 1) await publish(userAction(item));
      if (item.class === 'recovered' && item.recoveredFrom === 'user_action_required') {
        await publish(recovered(item));
      }
    },
  };
}

function recovered({ id, at, subject, resource = '', error, action }: RefreshFailure) {
  return eventOf('connection.recovered', { subject, at, occasion: id }, { resource, error, action });
}

function userAction({ id, at, subject, resource = '', error, action }: RefreshFailure) {
  return eventOf(
    'connection.user_action_required',
    { subject, at, occasion: id },
    { resource, error, action },
  );
}

/**
 * Circuits whose opening and closing are told of where the registration is refused, at most once an hour each: one that flutters is one
 * piece of news.
 */
export function withCircuitsTold(
  circuits: CircuitStore,
  { publish, clock }: { publish: Publish; clock: Clock },
): CircuitStore {
  const tell = async (type: 'circuit.opened' | 'circuit.closed', registration: string): Promise<void> => {
    const at = clock();
    const occasion = String(Math.floor(at / HOUR));
    const action =
      type === 'circuit.opened' ? 'mend the app registration (secret, certificate, permissions)' : 'none';
    await publish(eventOf(type, { subject: registration, at, occasion }, { action }));
  };
  return {
    ...circuits,
    async open(registration, opening) {
      const opened = await circuits.open(registration, opening);
      if (opened && opening.class === 'broker_misconfigured') await tell('circuit.opened', registration);
      return opened;
    },
    async close(registration) {
      const closed = await circuits.close(registration);
      if (closed?.class === 'broker_misconfigured') await tell('circuit.closed', registration);
      return closed;
    },
  };
}
