import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { ConfigError } from '../errors.js';
import type { Exchange } from './exchange.js';
import { isToPrimary, type ToWorker } from './messages.js';

/** Longer than a worker needs to let running requests end. */
const patienceMs = 15_000;

/** One worker process. */
export interface Hand {
  /** Ends once it listens. @throws ConfigError with what it says is wrong, or that it ended without a word */
  readonly ready: Promise<void>;
  /** How it ended, once it has. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Lets running requests end, then ends it; whether it did so by itself. */
  stop(): Promise<boolean>;
}

function readyOf(worker: Worker, ended: Hand['ended']): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: unknown) => {
      if (!isToPrimary(message)) return;
      if (message.kind === 'listening') resolve();
      if (message.kind === 'failed') reject(new ConfigError(message.problems));
    });
    void ended.then(({ code, signal }) =>
      reject(new ConfigError([`a worker ended before it listened (${signal ?? `code ${code}`})`])),
    );
  });
}

/** Starts a worker process of this program and keeps it in touch with the others. */
export function hire(start: Extract<ToWorker, { kind: 'start' }>, exchange: Exchange): Hand {
  const worker = cluster.fork();
  // A message to a worker that has just gone is lost, which its end makes good.
  const send = (message: ToWorker) => void (worker.isConnected() && worker.send(message, () => {}));
  const correspondent = { send };
  worker.on('error', () => {});
  worker.on('message', (message: unknown) => {
    if (!isToPrimary(message)) return;
    if (message.kind === 'here') send(start);
    exchange.hear(correspondent, message);
  });
  const ended = once(worker, 'exit').then(([code, signal]: unknown[]) => {
    exchange.leave(correspondent);
    return {
      code: typeof code === 'number' ? code : null,
      signal: typeof signal === 'string' ? signal : null,
    };
  });
  exchange.join(correspondent);
  return {
    ready: readyOf(worker, ended),
    ended,
    stop: async () => {
      send({ kind: 'stop' });
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), patienceMs);
      const { code } = await ended;
      clearTimeout(timer);
      return code === 0;
    },
  };
}
