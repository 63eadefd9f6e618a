/** A number in [0, 1), the same series for the same seed (mulberry32). */
export type Chance = () => number;

export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Time that passes only when everybody waits for it. The same seed gives the same order of everything. */
export interface World {
  /** True time, ms; instances may have other ideas of it. */
  now(): number;
  readonly chance: Chance;
  sleep(ms: number): Promise<void>;
  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export function createWorld(seed: number, start: number): World {
  let now = start;
  const sleepers: Sleeper[] = [];
  const add = (sleeper: Sleeper): void => {
    const index = sleepers.findIndex(({ at }) => at > sleeper.at);
    if (index < 0) sleepers.push(sleeper);
    else sleepers.splice(index, 0, sleeper);
  };
  return {
    now: () => now,
    chance: createChance(seed),
    sleep: (ms) => new Promise((wake) => add({ at: now + Math.max(0, ms), wake })),
    async run(work) {
      let done = false;
      const finish = () => {
        done = true;
      };
      work.then(finish, finish);
      for (;;) {
        // All promises that can go on without time have done so after this.
        await new Promise((resolve) => setImmediate(resolve));
        if (done) return work;
        const next = sleepers.shift();
        if (!next) throw new Error('everybody waits for nothing');
        now = next.at;
        next.wake();
      }
    },
  };
}
