import { wait } from '../clock.js';
import { createBackoff } from '../storage/backoff.js';
import type { QueueMessage } from '../storage/queues.js';
import type { Listener } from '../timer/listener.js';
import { invisibleSeconds, processMessage, type QueueDeps } from './message.js';

const shortestPollMs = 100;

/**
 * Polls a queue and runs its function for each message, at most `batchSize + newBatchThreshold` at once: at once again after
 * messages, ever more slowly while there are none. `stop` resolves when the messages in hand are done.
 */
export function startQueueListener(deps: QueueDeps): Listener {
  const stopping = new AbortController();
  const done = poll(deps, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function poll(deps: QueueDeps, stopping: AbortSignal): Promise<void> {
  const { config, clock } = deps;
  const idle = createBackoff(shortestPollMs, config.maxPollingIntervalMs);
  const running = new Set<Promise<void>>();
  while (!stopping.aborted) {
    if (running.size > config.newBatchThreshold) {
      await Promise.race(running);
      continue;
    }
    const batch = await receive(deps);
    if (stopping.aborted) await putBack(deps, batch);
    else if (batch.length === 0) await wait(clock, idle.next(), stopping);
    else idle.reset();
    if (stopping.aborted) break;
    for (const message of batch) {
      const work: Promise<void> = processMessage(deps, message).finally(() => running.delete(work));
      running.add(work);
    }
  }
  await Promise.all(running);
}

async function receive({ queue, config, health }: QueueDeps): Promise<QueueMessage[]> {
  try {
    const batch = await queue.receive(config.batchSize, invisibleSeconds);
    health.ok();
    return batch;
  } catch (error) {
    health.failed(error);
    return [];
  }
}

/** Messages that arrived while stopping are for another process, or for the next start. */
async function putBack({ queue, health }: QueueDeps, batch: readonly QueueMessage[]): Promise<void> {
  for (const message of batch) await queue.hide(message.id, message.popReceipt, 0).catch(health.failed);
}
