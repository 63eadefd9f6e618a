import { Refusal } from '../domain/errors.js';

export interface WorkBounds {
  readonly concurrent: number;
  /** Waiting altogether, and for one key. */
  readonly waiting: number;
  readonly waitingEach: number;
}

/** Runs work for a key, so much of it at once. @throws Refusal `rate_limited` when too much is waiting already */
export type WorkGate = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function createWorkGate({ concurrent, waiting, waitingEach }: WorkBounds): WorkGate {
  const line: { readonly key: string; readonly go: () => void }[] = [];
  let running = 0;
  const leave = (): void => {
    const next = line.shift();
    if (next) next.go();
    else running -= 1;
  };
  const enter = (key: string): Promise<void> | undefined => {
    if (running < concurrent) {
      running += 1;
      return undefined;
    }
    const mine = line.filter((other) => other.key === key).length;
    if (line.length >= waiting || mine >= waitingEach) throw busy();
    return new Promise((go) => line.push({ key, go }));
  };
  return async (key, work) => {
    await enter(key);
    try {
      return await work();
    } finally {
      leave();
    }
  };
}

function busy(): Refusal {
  return new Refusal('rate_limited', {
    description: 'too many client secrets are being checked',
    headers: { 'Retry-After': '1' },
  });
}
