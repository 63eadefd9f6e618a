import type { Connection } from '../domain/connection.js';
import type { Grant } from '../domain/grant.js';
import type { Versioned } from '../ports.js';

/** All that is stored, for what looks after it once a day. */
export interface Archive {
  /** Connections in a fixed order; rows that cannot be read are told by their number. */
  connections(options: { readonly after?: string; readonly limit: number }): Promise<{
    readonly items: readonly Connection[];
    readonly unreadable: number;
    readonly after?: string;
  }>;
  /** Wipes a grant, and what points at it. False when it has changed since it was read. */
  removeGrant(grant: Versioned<Grant>): Promise<boolean>;
  /** Wipes a connection with what is kept with it. False when it has changed since it was read. */
  removeConnection(connection: Versioned<Connection>): Promise<boolean>;
  /** Forgets what is older; answers how many rows went, at most `most`. */
  forgetFailures(before: number, most: number): Promise<number>;
  forgetTokenIds(before: number, most: number): Promise<number>;
  /** Where the last slice ended, and when its round began. */
  position(): Promise<SweepPosition | undefined>;
  setPosition(position: SweepPosition): Promise<void>;
}

export interface SweepPosition {
  /** ms */
  readonly startedAt: number;
  /** Absent when the round is done. */
  readonly after?: string;
}
