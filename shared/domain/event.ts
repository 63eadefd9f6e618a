import { digest } from './digest.js';

/** What operators and their systems are told of; a closed vocabulary. */
export const EVENT_TYPES = [
  'connection.dying',
  'connection.died',
  'connection.recovered',
  'connection.user_action_required',
  'circuit.opened',
  'circuit.closed',
  'guard.holding',
  'guard.ended',
  'timer.stale',
  'quarantine.added',
  'registration.credential_expiring',
  'grant.expiring',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** One thing that happened. Never a token, never a secret; people only by their subject name. */
export interface BrokerEvent {
  /** Always the same for the same thing, so that it is told once. */
  readonly id: string;
  readonly type: EventType;
  /** ms */
  readonly at: number;
  /** What it is about: a subject's name, a provider, a job. */
  readonly subject: string;
  readonly data: Readonly<Record<string, string | number>>;
}

export function eventOf(
  type: EventType,
  about: { readonly subject: string; readonly at: number; readonly occasion: string },
  data: BrokerEvent['data'],
): BrokerEvent {
  const { subject, at, occasion } = about;
  return { id: digest('event', type, subject, occasion), type, at, subject, data };
}

/** @param about.id of the death, see domain/connection.ts: told of again it is the same event */
export function diedEvent(about: {
  readonly id: string;
  readonly subject: string;
  readonly at: number;
  readonly reason: string;
}): BrokerEvent {
  const { id, subject, at, reason } = about;
  const action = 'the user must sign in and connect again';
  return eventOf('connection.died', { subject, at, occasion: id }, { reason, action });
}

/** CloudEvents 1.0 in the structured JSON format. `source` and `id` together are unique, as §3.1.1 asks. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: BrokerEvent['data'];
}

export function cloudEvent(event: BrokerEvent, source: string): CloudEvent {
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: `tokenbroker.${event.type}`,
    subject: event.subject,
    time: new Date(event.at).toISOString(),
    datacontenttype: 'application/json',
    data: event.data,
  };
}

const FIRST_WAIT = 10_000;
const LONGEST_WAIT = 6 * 3_600_000;
/** With the waits between them this is about a day. */
export const MOST_DELIVERIES = 15;

/** How long after so many failed deliveries the next one is tried, ms; a receiver may ask for longer, up to an hour. */
export function deliveryWait(attempts: number, askedSeconds: number | undefined): number {
  const own = Math.min(FIRST_WAIT * 2 ** Math.min(attempts - 1, 20), LONGEST_WAIT);
  return Math.max(own, Math.min(askedSeconds ?? 0, 3600) * 1000);
}
