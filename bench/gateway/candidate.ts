import type { Target } from './load.js';

/** Something to measure: where it listens and what a signed-in client sends; or why it cannot be measured here. */
export interface Candidate {
  readonly name: string;
  readonly target: Target | undefined;
  readonly note: string;
  /** Microseconds of processor time it used so far. */
  cpuTime(): number;
  stop(): Promise<void>;
}

/** What every proxy adds to a request, as name, value, name, value. */
export type RawHeaders = readonly string[];

export function sizeOf(headers: RawHeaders): number {
  return headers.reduce((sum, text) => sum + text.length + 2, 0);
}

export function missing(name: string, packages: string): Candidate {
  return {
    name,
    target: undefined,
    note: `not installed (${packages})`,
    cpuTime: () => Number.NaN,
    stop: async () => {},
  };
}
