/** Runs work in lanes of its own name, at most so many at once in this process; the rest waits its turn. */
export type InLane = <T>(name: string, work: () => Promise<T>) => Promise<T>;

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

export function createLanes(most: number): InLane {
  const lanes = new Map<string, Lane>();
  return async (name, work) => {
    const lane = lanes.get(name) ?? { running: 0, waiting: [] };
    lanes.set(name, lane);
    // Woken by the one that ends, which hands on its place.
    if (lane.running >= most) await new Promise<void>((resolve) => lane.waiting.push(resolve));
    else lane.running += 1;
    try {
      return await work();
    } finally {
      const next = lane.waiting.shift();
      if (next) next();
      else lane.running -= 1;
    }
  };
}
