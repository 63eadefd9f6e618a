import type { BrokerEvent, CloudEvent } from '../domain/event.js';
import type { Page, PageRequest, Versioned } from '../ports.js';

/** An event and what became of it. Times in ms. */
export interface OutboxEntry {
  readonly event: BrokerEvent;
  readonly state: 'waiting' | 'delivered' | 'dead';
  /** The receivers that do not have it yet. */
  readonly pending: readonly string[];
  readonly attempts: number;
  readonly lastError?: string;
}

export interface DueEvent {
  readonly eventId: string;
  readonly dueAt: number;
}

/** Events on their way: written first, delivered later, kept so that none is told twice. */
export interface Outbox {
  /** False when it was there already. It is due at once. */
  add(entry: OutboxEntry): Promise<boolean>;
  find(eventId: string): Promise<Versioned<OutboxEntry> | undefined>;
  /** False when the etag has moved. */
  replace(entry: OutboxEntry, etag: string): Promise<boolean>;
  putDue(due: DueEvent): Promise<void>;
  removeDue(due: DueEvent): Promise<void>;
  /** What is due by `now`, hidden from other takers until `hiddenUntil`. */
  takeDue(options: { now: number; hiddenUntil: number; limit: number }): Promise<readonly DueEvent[]>;
  /** Those that were given up; rows that cannot be read are told by their number. */
  dead(page: PageRequest): Promise<Page<OutboxEntry> & { readonly unreadable: number }>;
  /** Brings one that was given up back; false when it was not. */
  revive(eventId: string, now: number): Promise<boolean>;
  /** Forgets what is settled and older than that; answers how many. */
  forget(before: number, most: number): Promise<number>;
}

export type Delivery =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly retryAfterSeconds?: number };

/** A receiver outside. Resolves with a failure for everything that it or the network did. */
export interface EventSink {
  readonly name: string;
  send(event: CloudEvent): Promise<Delivery>;
}
