import type { ToPrimary, ToWorker } from './messages.js';
import type { Peers } from './peers.js';

/** A first process that gives no answer in this time is busy or gone. */
const patienceMs = 1_500;

export interface WorkerPeers extends Peers {
  /** Takes what the first process says about other workers. */
  hear(message: ToWorker): void;
}

/** The other workers of this gateway, reached through its first process. */
export function createWorkerPeers(send: (message: ToPrimary) => void): WorkerPeers {
  const waiting = new Map<number, (first: boolean) => void>();
  const listeners: ((user: string) => void)[] = [];
  let last = 0;
  const ask = (message: (id: number) => ToPrimary, unanswered: boolean): Promise<boolean> =>
    new Promise((resolve) => {
      last += 1;
      const id = last;
      const settle = (first: boolean) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(first);
      };
      const timer = setTimeout(() => settle(unanswered), patienceMs);
      waiting.set(id, settle);
      send(message(id));
    });
  return {
    changed: async (user) => {
      await ask((id) => ({ kind: 'changed', user, id }), true);
    },
    // Unanswered, nobody knows whether it is the first: then it is not.
    claim: (key, until) => ask((id) => ({ kind: 'claim', key, until, id }), false),
    onChange: (forget) => {
      listeners.push(forget);
    },
    hear: (message) => {
      if (message.kind === 'done') waiting.get(message.id)?.(message.first);
      if (message.kind !== 'forget') return;
      for (const forget of listeners) forget(message.user);
      send({ kind: 'forgot', id: message.id });
    },
  };
}
