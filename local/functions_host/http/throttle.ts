import type { HttpConfig } from '../app/host_json.js';

/** Counts HTTP requests in and out. */
export interface Throttle {
  /** Resolves when the request may run, with what to call at its end; undefined when there are too many already. */
  enter(): Promise<() => void> | undefined;
}

/** `maxOutstandingRequests` refuses what is above it; `maxConcurrentRequests` makes the others wait their turn. -1 is no limit. */
export function createThrottle(
  limits: Pick<HttpConfig, 'maxOutstandingRequests' | 'maxConcurrentRequests'>,
): Throttle {
  const maxOutstanding = limits.maxOutstandingRequests < 0 ? Infinity : limits.maxOutstandingRequests;
  const maxConcurrent = limits.maxConcurrentRequests < 1 ? Infinity : limits.maxConcurrentRequests;
  const queue: (() => void)[] = [];
  let outstanding = 0;
  let running = 0;
  const leave = () => {
    outstanding--;
    const next = queue.shift();
    if (next) next();
    else running--;
  };
  return {
    enter() {
      if (outstanding >= maxOutstanding) return undefined;
      outstanding++;
      if (running < maxConcurrent) {
        running++;
        return Promise.resolve(leave);
      }
      return new Promise((resolve) => queue.push(() => resolve(leave)));
    },
  };
}
