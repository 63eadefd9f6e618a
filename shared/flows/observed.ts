import type { AuditEvent, RefreshFailure } from '../domain/audit_event.js';
import { type BrokerEvent, diedEvent, eventOf } from '../domain/event.js';
import type { AuditLog, FailureLog } from '../ports.js';
import type { Publish } from './publish.js';

/** An audit log of which operators are told what concerns them. What is in the audit has happened, so it is the one place that sees it all. */
export function withAuditTold(audit: AuditLog, publish: Publish): AuditLog {
  return {
    ...audit,
    async append(item) {
      await audit.append(item);
      const event = told(item);
      if (event) await publish(event);
    },
  };
}

function told({ id, at, type, subject = '', reason = '' }: AuditEvent): BrokerEvent | undefined {
  const about = { subject, at, occasion: id };
  switch (type) {
    case 'connection.died':
      return diedEvent({ id, subject, at, reason });
    case 'connection.recovered':
      // An outage of the provider heals for everybody at once: who could be used all the time, or hardly was not, is no news.
      return reason.startsWith('user_action_required') ? eventOf(type, about, { reason }) : undefined;
    case 'circuit.closed':
      return eventOf(type, { ...about, subject: registrationIn(reason) }, { reason });
    default:
      return undefined;
  }
}

/** The audit names the registration first. */
function registrationIn(reason: string): string {
  return reason.split(':')[0] ?? reason;
}

/** A failure log whose first failure that only the user can mend is told of. */
export function withUserActionTold(failures: FailureLog, publish: Publish): FailureLog {
  return {
    ...failures,
    async append(item) {
      await failures.append(item);
      if (item.class === 'user_action_required' && item.attempt === 1) await publish(userAction(item));
    },
  };
}

function userAction({ id, at, subject, resource = '', error, action }: RefreshFailure): BrokerEvent {
  return eventOf(
    'connection.user_action_required',
    { subject, at, occasion: id },
    { resource, error, action },
  );
}
