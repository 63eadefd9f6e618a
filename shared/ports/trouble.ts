import type { RefreshClass } from '../domain/refresh_result.js';
import type { Subject } from '../domain/subject.js';
import type { Page, PageRequest } from '../ports.js';

/** Why nobody asks a provider for the time being: it refuses the app registration, or named a time to everybody. */
export type CircuitClass = Extract<RefreshClass, 'broker_misconfigured' | 'transient'>;

/** Times in ms. */
export interface CircuitOpening {
  readonly until: number;
  readonly class: CircuitClass;
  readonly now: number;
  /** By the one who asked while everybody else kept off. */
  readonly fromProbe?: boolean;
}

/** A circuit as it is, or was when it was closed. Times in ms. */
export interface ClosedCircuit {
  readonly class: CircuitClass;
  readonly openedAt: number;
  /** How many calls opened it or kept it open. */
  readonly count: number;
}

/** One row an app registration (domain/registration.ts): while open, nobody asks the provider with it. */
export interface CircuitStore {
  openUntil(registration: string): Promise<number | undefined>;
  /**
   * Keeps the later of the stored and the given time, unless the probe has come back: what it learnt counts.
   * @returns true for the one call that opened it, or that found it open for a lesser reason: whoever raises the alarm
   */
  open(registration: string, circuit: CircuitOpening): Promise<boolean>;
  /** True for the one caller that may ask while everybody else keeps off until then; for each once it is closed. */
  takeProbe(registration: string, time: { until: number; now: number }): Promise<boolean>;
  /** As it is now, whether or not its time has passed. */
  look(registration: string): Promise<ClosedCircuit | undefined>;
  /** Undefined for all but the one call that closed it. */
  close(registration: string): Promise<ClosedCircuit | undefined>;
}

/** A successor that could not be stored where it belongs, sealed as it would be there. Times in ms. */
export interface SpilledCredential {
  readonly subject: Subject;
  readonly enrolment: string;
  /** The one it would have had. */
  readonly generation: number;
  readonly refreshToken: string;
  readonly spilledAt: number;
}

/** The second place for successors, apart from the tables: looked into where an attempt was left open, and nowhere else. */
export interface Spill {
  /** Takes the place of what is there, unless that is of a later generation of the same enrolment. */
  put(item: SpilledCredential): Promise<void>;
  find(subject: Subject): Promise<SpilledCredential | undefined>;
  /** Leaves alone what took its place. */
  remove(item: Pick<SpilledCredential, 'subject' | 'enrolment' | 'generation'>): Promise<void>;
  /** What lies there, a page at a time: for sweeping up. Rows that cannot be read are told by their number, and stay. */
  list(page: PageRequest): Promise<Page<SpilledCredential> & { readonly unreadable: number }>;
}
