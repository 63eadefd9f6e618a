import { createClaims } from './claims.js';
import type { ToPrimary, ToWorker } from './messages.js';

/** A worker as far as messages go. */
export interface Correspondent {
  send(message: ToWorker): void;
}

/** A worker that has not forgotten by then is busy; it asks the store again by itself soon. */
const patienceMs = 1_000;

interface Round {
  readonly missing: Set<Correspondent>;
  finish(): void;
}

/** Passes messages between the workers of a gateway. */
export interface Exchange {
  join(worker: Correspondent): void;
  leave(worker: Correspondent): void;
  hear(from: Correspondent, message: ToPrimary): void;
}

/** @param now milliseconds since 1970 */
export function createExchange(now: () => number): Exchange {
  const workers = new Set<Correspondent>();
  const rounds = new Map<number, Round>();
  const claim = createClaims(now);
  let last = 0;

  const settle = (id: number, worker: Correspondent) => {
    const round = rounds.get(id);
    round?.missing.delete(worker);
    if (round?.missing.size === 0) round.finish();
  };
  /** Tells everybody else, and answers once all have forgotten. */
  const spread = (from: Correspondent, { user, id: asked }: Extract<ToPrimary, { kind: 'changed' }>) => {
    last += 1;
    const id = last;
    const missing = new Set([...workers].filter((worker) => worker !== from));
    const finish = () => {
      clearTimeout(timer);
      rounds.delete(id);
      from.send({ kind: 'done', id: asked, first: true });
    };
    const timer = setTimeout(finish, patienceMs);
    rounds.set(id, { missing, finish });
    for (const worker of missing) worker.send({ kind: 'forget', user, id });
    if (missing.size === 0) finish();
  };
  return {
    join: (worker) => void workers.add(worker),
    leave: (worker) => {
      workers.delete(worker);
      for (const id of [...rounds.keys()]) settle(id, worker);
    },
    hear: (from, message) => {
      if (message.kind === 'changed') spread(from, message);
      if (message.kind === 'forgot') settle(message.id, from);
      if (message.kind === 'claim')
        from.send({ kind: 'done', id: message.id, first: claim(message.key, message.until) });
    },
  };
}
