import cluster from 'node:cluster';
import { setTimeout as wait } from 'node:timers/promises';
import { ConfigError, messageOf } from '../errors.js';
import { freePort } from '../free_port.js';
import type { Gateway, GatewayOptions } from '../gateway.js';
import type { LogFormat, LogLevel } from '../log.js';
import { planGateway } from '../plan.js';
import { type Hand, hire } from './crew.js';
import { createExchange } from './exchange.js';
import type { ToWorker } from './messages.js';
import { createRestartBudget } from './restart_budget.js';

export interface WorkersOptions extends GatewayOptions {
  /** How many processes serve; two or more. */
  readonly workers: number;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Told once workers keep ending and the gateway has stopped for good. */
  readonly gaveUp: () => void;
}

type Start = Extract<ToWorker, { kind: 'start' }>;

/** The processes of a gateway by their place; whoever ends is replaced in its place. */
function createCrew({ log, gaveUp }: WorkersOptions, start: Omit<Start, 'prunes'>, now: () => number) {
  const exchange = createExchange(now);
  const nextDelay = createRestartBudget(() => performance.now());
  const hands = new Map<number, Hand>();
  let stopping: Promise<boolean> | undefined;

  const stop = (): Promise<boolean> => {
    stopping ??= Promise.all([...hands.values()].map((hand) => hand.stop())).then((well) =>
      well.every(Boolean),
    );
    return stopping;
  };
  const replace = async (place: number): Promise<void> => {
    const delay = nextDelay();
    if (delay === undefined) {
      log('error', 'workers keep ending, so the gateway stops');
      await stop();
      return gaveUp();
    }
    await wait(delay);
    if (stopping !== undefined) return;
    try {
      await take(place);
      log('info', 'a worker was replaced', { worker: place });
    } catch (error) {
      if (stopping !== undefined) return;
      log('error', 'a worker could not be replaced', { worker: place, reason: messageOf(error) });
      await replace(place);
    }
  };
  const take = async (place: number): Promise<void> => {
    const hand = hire({ ...start, prunes: place === 0 }, exchange);
    hands.set(place, hand);
    void hand.ended.then(() => hands.delete(place));
    await hand.ready;
    void hand.ended.then(({ code, signal }) => {
      if (stopping !== undefined) return;
      log('error', 'a worker ended', { worker: place, code: code ?? undefined, signal: signal ?? undefined });
      void replace(place);
    });
  };
  return {
    stop,
    /** Fills all places, the first alone to begin with: what is wrong with all of them is then said once. */
    open: async (count: number): Promise<void> => {
      try {
        await take(0);
        await Promise.all(Array.from({ length: count - 1 }, (_, index) => take(index + 1)));
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}

const mostTries = 5;

/**
 * Starts the gateway as several processes on one port. Workers that end are replaced, up to five times within a minute.
 * @throws ConfigError listing everything wrong with configuration, keys, upstream or port
 */
export async function startWorkers(options: WorkersOptions): Promise<Gateway> {
  const { log, level, format, workers } = options;
  const now = options.now ?? Date.now;
  const plan = planGateway({ ...options, now });
  cluster.setupPrimary({ args: [] });
  for (let tries = 1; ; tries += 1) {
    const port = plan.port === 0 ? await freePort() : plan.port;
    const crew = createCrew(options, { kind: 'start', plan: { ...plan, port }, level, format }, now);
    try {
      await crew.open(workers);
    } catch (error) {
      // A free port may be taken by another program before we have it.
      if (plan.port === 0 && tries < mostTries && error instanceof ConfigError) continue;
      throw error;
    }
    const url = `http://localhost:${port}`;
    log('info', 'listening', { url, upstream: plan.upstream, workers });
    return {
      url,
      port,
      close: async () => {
        if (!(await crew.stop())) throw new Error('a worker did not end by itself');
      },
    };
  }
}
