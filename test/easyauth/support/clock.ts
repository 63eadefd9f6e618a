/** A clock that moves only when told to. */
export interface Clock {
  now: () => number;
  advance(ms: number): void;
}

export const seconds = 1_000;
export const hours = 3_600_000;

export function createClock(start = Date.UTC(2026, 10, 23, 9, 0, 0)): Clock {
  let at = start;
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
    },
  };
}
