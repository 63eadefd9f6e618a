import type { RpcTypedData } from '../app/core_types.js';
import type { QueueConfig } from '../app/host_json.js';
import type { Clock } from '../clock.js';
import { errorCode, errorText } from '../errors.js';
import type { InvocationInput } from '../invocation/invoker.js';
import type { Log } from '../log.js';
import type { StorageHealth } from '../storage/health.js';
import type { QueueMessage, StorageQueue } from '../storage/queues.js';
import { decodeMessage, messageMetadata } from './encoding.js';

export interface QueueDeps {
  /** The function's name. */
  name: string;
  queue: StorageQueue;
  /** Where messages go that cannot be processed; undefined for a queue that is itself a poison queue. */
  poison: StorageQueue | undefined;
  config: QueueConfig;
  run: (input: Pick<InvocationInput, 'data' | 'triggerMetadata'>) => Promise<unknown>;
  clock: Clock;
  log: Log;
  health: StorageHealth;
}

/** How long a received message stays hidden from others, in seconds; renewed at half time. */
export const invisibleSeconds = 600;

/** A message being worked on, and the receipt that is valid for it now. */
interface Held {
  message: QueueMessage;
  popReceipt: string;
}

/**
 * Takes one message through its function: done is deleted, failed becomes visible again or, after `maxDequeueCount` tries, goes to
 * the poison queue; so does one that is no base64, without a run. Never rejects: a message that storage would not let go
 * of comes back by itself.
 */
export async function processMessage(deps: QueueDeps, message: QueueMessage): Promise<void> {
  const held: Held = { message, popReceipt: message.popReceipt };
  try {
    const text = decodeMessage(message.text, deps.config.messageEncoding);
    if (text === undefined) return await giveUp(deps, held, 'it is not base64');
    if (message.dequeueCount > deps.config.maxDequeueCount) return await giveUp(deps, held, 'too many tries');
    const succeeded = await runRenewing(deps, held, text);
    if (succeeded) await deps.queue.remove(message.id, held.popReceipt);
    else await afterFailure(deps, held);
    deps.health.ok();
  } catch (error) {
    if (['MessageNotFound', 'PopReceiptMismatch'].includes(errorCode(error))) {
      const fields = { function: deps.name, message: message.id };
      deps.log.write('warning', 'Host.Queue', 'message was no longer ours when it was done', fields);
    } else deps.health.failed(error);
  }
}

async function runRenewing(deps: QueueDeps, held: Held, text: string): Promise<boolean> {
  const stop = keepHidden(deps, held);
  try {
    await deps.run(toInput(held.message, text));
    return true;
  } catch (error) {
    deps.log.write('error', `Function.${deps.name}`, `failed: ${errorText(error)}`, {
      function: deps.name,
      message: held.message.id,
      dequeueCount: held.message.dequeueCount,
    });
    return false;
  } finally {
    await stop();
  }
}

/** Renews the message's invisibility until stopped; stopping waits for a renewal under way, which changes the receipt. */
function keepHidden({ queue, clock, health }: QueueDeps, held: Held): () => Promise<void> {
  let renewal = Promise.resolve();
  let cancel: () => void;
  const renew = async () => {
    try {
      held.popReceipt = await queue.hide(held.message.id, held.popReceipt, invisibleSeconds);
    } catch (error) {
      health.failed(error);
    }
  };
  const schedule = () => {
    cancel = clock.after((invisibleSeconds * 1000) / 2, () => {
      renewal = renew();
      schedule();
    });
  };
  schedule();
  return () => {
    cancel();
    return renewal;
  };
}

async function afterFailure(deps: QueueDeps, held: Held): Promise<void> {
  const { message } = held;
  if (!deps.poison) return; // Left invisible: nowhere to put it, and at once visible it would fail in a tight loop.
  if (message.dequeueCount >= deps.config.maxDequeueCount) return giveUp(deps, held, 'too many tries');
  await deps.queue.hide(message.id, held.popReceipt, Math.round(deps.config.visibilityTimeoutMs / 1000));
}

async function giveUp({ poison, queue, log, name }: QueueDeps, held: Held, reason: string): Promise<void> {
  const { id, text } = held.message;
  if (!poison) return;
  await poison.send(text);
  await queue.remove(id, held.popReceipt);
  const fields = { function: name, message: id, queue: poison.name, reason };
  log.write('warning', 'Host.Queue', 'message moved to the poison queue', fields);
}

function toInput(message: QueueMessage, text: string): Pick<InvocationInput, 'data' | 'triggerMetadata'> {
  const builtIn: Record<string, RpcTypedData> = {
    queueTrigger: { string: text },
    id: { string: message.id },
    popReceipt: { string: message.popReceipt },
    dequeueCount: { int: message.dequeueCount },
    insertionTime: { string: message.insertedOn?.toISOString() ?? '' },
    expirationTime: { string: message.expiresOn?.toISOString() ?? '' },
    nextVisibleTime: { string: message.nextVisibleOn?.toISOString() ?? '' },
  };
  return { data: { string: text }, triggerMetadata: messageMetadata(text, builtIn) };
}

/** What a queue function is given when it is run by hand: a message that was never in a queue. */
export function manualInput(text: string): Pick<InvocationInput, 'data' | 'triggerMetadata'> {
  return {
    data: { string: text },
    triggerMetadata: messageMetadata(text, { queueTrigger: { string: text } }),
  };
}
