import type { HttpHandler, InvocationContext, StorageQueueHandler, TimerHandler } from '@azure/functions';
import { ConfigRefused } from '../config.js';
import type { Target } from '../domain/connection.js';
import { Refusal } from '../domain/errors.js';
import { scopeOf } from '../domain/scope.js';
import type { DeliverEvent, FindEvents } from '../flows/deliver_events.js';
import type { FindDue } from '../flows/find_due.js';
import type { SetAside } from '../flows/set_aside.js';
import type { WorkDue } from '../flows/upkeep.js';
import type { DueItem, Log } from '../ports.js';
import { createEndpoint, type ErrorForm } from './endpoint.js';

/** For routes where every method is to reach us: the host answers an unrouted one with 404 where OAuth clients expect 405. */
export const ALL_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

/** What an entry point may reach, built on first use. */
export interface Entry<B> {
  /** @param errors how this endpoint answers while nothing is configured */
  http(select: (broker: B) => HttpHandler, errors?: ErrorForm): HttpHandler;
  timer(run: (broker: B, context: InvocationContext) => Promise<void>): TimerHandler;
  queue(run: (broker: B, message: unknown) => Promise<void>): StorageQueueHandler;
  /** Builds now, so that a refused configuration is in the log at start and not at the first request. */
  start(): void;
  /** Ends what `start` or a request has built. */
  stop(end: (broker: B) => Promise<void>): () => Promise<void>;
}

/**
 * Entry files must load whatever the settings say: one that throws makes the platform show an app without functions and without an
 * error. So a refused configuration is logged whole at start, and every endpoint answers 503 until it is mended.
 */
export function createEntry<B>(build: () => B, log: Log): Entry<B> {
  let built: { broker: B } | { refused: ConfigRefused } | undefined;
  const get = (): { broker: B } | { refused: ConfigRefused } => {
    built ??= attempt(build, log);
    return built;
  };
  return {
    http: (select, errors = 'problem') => {
      const refused = createEndpoint({ errors, methods: ALL_METHODS, log }, async () => {
        throw new Refusal('not_configured', {
          description: 'the service is not configured: its log lists what is wrong',
        });
      });
      return async (request, context) => {
        const now = get();
        return 'broker' in now ? select(now.broker)(request, context) : refused(request, context);
      };
    },
    timer: (run) => async (_timer, context) => {
      const now = get();
      if ('broker' in now) await run(now.broker, context);
    },
    queue: (run) => async (message) => {
      const now = get();
      // Thrown, so that the message stays and is worked on once the settings are mended.
      if ('refused' in now) throw new Error('the configuration is refused');
      await run(now.broker, message);
    },
    start: () => {
      get();
    },
    stop: (end) => async () => {
      if (built && 'broker' in built) await end(built.broker);
    },
  };
}

function attempt<B>(build: () => B, log: Log): { broker: B } | { refused: ConfigRefused } {
  try {
    return { broker: build() };
  } catch (error) {
    if (!(error instanceof ConfigRefused)) throw error;
    for (const problemText of error.problems) log.error('configuration refused', { problem: problemText });
    return { refused: error };
  }
}

/** Where everything goes that is to be refreshed. */
export const DUE_QUEUE = { queueName: 'refresh-due', connection: 'AzureWebJobsStorage' } as const;

const MESSAGE_VERSION = 1;

/** Queue messages: names of subjects only. Member names stay clear of the platform's own (`id`, `dequeueCount`). */
export async function dueMessages(findDue: FindDue): Promise<readonly unknown[]> {
  return (await findDue()).map((items) => ({
    version: MESSAGE_VERSION,
    items: items.map(itemMessage),
  }));
}

/** The output binding of the token endpoint: renewals go the way of all that is due. */
export const RENEWALS = 'renewals';

/** The message for one token that was served near its end. */
export function renewalMessage(item: DueItem): unknown {
  return { version: MESSAGE_VERSION, items: [itemMessage(item)] };
}

function itemMessage({ subject, dueAt, held, target }: DueItem) {
  return { ...subject, dueAt, ...(held ? { held } : {}), ...(target === undefined ? {} : { target }) };
}

/** Works on one message. @throws Error for a message this version cannot read: it ends in the poison queue */
export async function workMessage(workDue: WorkDue, message: unknown): Promise<void> {
  const { version, items } = members(message);
  if (version !== MESSAGE_VERSION || !Array.isArray(items)) throw new Error('unknown form of a due message');
  await workDue(items.map(readItem));
}

/** Queue messages for events: only their names, the rest is in the outbox. */
export async function eventMessages(findEvents: FindEvents): Promise<readonly unknown[]> {
  return (await findEvents()).map((due) => ({ version: MESSAGE_VERSION, ...due }));
}

/** @throws Error for a message this version cannot read */
export async function eventMessage(deliverEvent: DeliverEvent, message: unknown): Promise<void> {
  const { version, eventId, dueAt } = members(message);
  if (version !== MESSAGE_VERSION || typeof eventId !== 'string' || typeof dueAt !== 'number') {
    throw new Error('unknown form of an event message');
  }
  await deliverEvent({ eventId, dueAt });
}

/** Books a message that the host gave up, in whatever form it is. */
export async function poisonedMessage(setAside: SetAside, message: unknown): Promise<void> {
  await setAside.message(message);
}

function readItem(value: unknown): DueItem {
  const { provider, tenant, id, dueAt, held, target } = members(value);
  const named = typeof provider === 'string' && typeof tenant === 'string' && typeof id === 'string';
  if (!named || typeof dueAt !== 'number') throw new Error('unknown form of a due item');
  return {
    subject: { provider, tenant, id },
    dueAt,
    ...(held === true ? { held } : {}),
    ...(target === undefined ? {} : { target: readTarget(members(target)) }),
  };
}

function readTarget({ resource, scope, facade }: Record<string, unknown>): Target {
  const words = Array.isArray(scope) && scope.every((word) => typeof word === 'string');
  if (typeof resource !== 'string' || !words) throw new Error('unknown form of a due item');
  return { resource, scope: scopeOf(scope), ...(typeof facade === 'string' ? { facade } : {}) };
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
