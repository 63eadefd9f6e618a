import type { Target } from '../domain/connection.js';
import type { Subject } from '../domain/subject.js';
import type { Page, PageRequest } from '../ports.js';

export interface DueItem {
  readonly subject: Subject;
  /** ms; the connection's own `dueAt` must still say so, or the item is stale. */
  readonly dueAt: number;
  /** It could not be worked on the last time, and stands in the quarantine. */
  readonly held?: boolean;
  /** Served near its end: to be renewed whether or not a grant keeps it fresh by itself. */
  readonly target?: Target;
}

/** A row of an index that cannot be read. */
export interface SpoiledRow {
  readonly partitionKey: string;
  readonly rowKey: string;
  /** Written by a later version: readable again once that is deployed. */
  readonly later: boolean;
  readonly why: string;
}

/** The time-bucketed index of connections that want attention. */
export interface DueIndex {
  put(item: DueItem): Promise<void>;
  remove(item: DueItem): Promise<void>;
  /**
   * Takes items due by `now`, oldest first, hiding them from other takers until `hiddenUntil`.
   * What nobody removes shows up again after that, so a lost batch is only late.
   */
  take(options: {
    readonly now: number;
    readonly hiddenUntil: number;
    readonly limit: number;
    /** Asked for each in turn: one that is not wanted is passed over and stays. */
    readonly wants?: (item: DueItem) => boolean;
    /** Asked before each page: false leaves the rest for the next time. */
    readonly goOn?: () => boolean;
    /** Told of every row that cannot be read. */
    readonly spoiled?: (row: SpoiledRow) => void;
  }): Promise<readonly DueItem[]>;
  /** Takes a row that cannot be read out of the index. */
  discard(row: SpoiledRow): Promise<void>;
  /** How many are due before `until`, counted up to `most`. */
  count(until: number, most: number): Promise<number>;
}

/** What could not be worked on, set aside so that it stops nobody. Holds no secret. All times in ms. */
export interface Quarantined {
  readonly id: string;
  readonly what: 'connection' | 'due_row' | 'message';
  readonly subject?: Subject;
  readonly why: string;
  readonly firstAt: number;
  readonly lastAt: number;
  /** How often it was tried. */
  readonly times: number;
  /** When it is tried again by itself; absent when it is not. */
  readonly nextTryAt?: number;
}

export interface Quarantine {
  find(id: string): Promise<Quarantined | undefined>;
  /** The later of two writers wins: an entry tells of trouble, it decides nothing. */
  put(entry: Quarantined): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
  /** Removes rows and messages, which nothing brings back, that were last met before then; answers how many, at most `most`. */
  forget(before: number, most: number): Promise<number>;
  /** Entries that cannot be read are told by their number. */
  list(page: PageRequest): Promise<Page<Quarantined> & { readonly unreadable: number }>;
}

export interface Heartbeat {
  beat(name: string, at: number): Promise<void>;
  last(name: string): Promise<number | undefined>;
}
