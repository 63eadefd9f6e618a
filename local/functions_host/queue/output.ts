import type { InvocationResponse } from '../app/core_types.js';
import type { HostFunction, QueueOutput } from '../app/functions.js';
import type { QueueConfig } from '../app/host_json.js';
import type { StorageQueue } from '../storage/queues.js';
import { encodeMessage, outputMessages } from './encoding.js';

/** Sends what a finished invocation put into its queue outputs, in order. Rejects when storage takes one of them not. */
export async function sendQueueOutputs(
  fn: HostFunction,
  response: InvocationResponse,
  options: { encoding: QueueConfig['messageEncoding']; open: (output: QueueOutput) => Promise<StorageQueue> },
): Promise<void> {
  for (const output of fn.queueOutputs) {
    const data =
      output.binding === '$return'
        ? response.returnValue
        : response.outputData?.find(({ name }) => name === output.binding)?.data;
    const messages = outputMessages(data);
    if (messages.length === 0) continue;
    const queue = await options.open(output);
    for (const message of messages) await queue.send(encodeMessage(message, options.encoding));
  }
}
