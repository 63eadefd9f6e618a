import { errorCode } from '../errors.js';

export interface QueueMessage {
  id: string;
  popReceipt: string;
  /** As stored, not decoded. */
  text: string;
  dequeueCount: number;
  insertedOn: Date | undefined;
  expiresOn: Date | undefined;
  nextVisibleOn: Date | undefined;
}

/** One storage queue, as triggers and outputs use it. Every call may reject with a storage error. */
export interface StorageQueue {
  name: string;
  /** At most `max` (1 to 32) messages, invisible to others for `seconds`; none when there is no such queue. */
  receive(max: number, seconds: number): Promise<QueueMessage[]>;
  remove(id: string, popReceipt: string): Promise<void>;
  /** Makes a received message visible after `seconds`; resolves to its new pop receipt. */
  hide(id: string, popReceipt: string, seconds: number): Promise<string>;
  /** Sends a text as it is; makes the queue when there is none. */
  send(text: string): Promise<void>;
}

/** Opens queues of one storage account. The storage client is only loaded by the first call. */
export type QueueOpener = (name: string) => StorageQueue;

/** Queues behind a connection string. */
export async function openQueues(connection: string): Promise<QueueOpener> {
  const { QueueServiceClient } = await import('@azure/storage-queue');
  const service = QueueServiceClient.fromConnectionString(connection, {
    retryOptions: { maxTries: 2, tryTimeoutInMs: 15_000, retryDelayInMs: 200, maxRetryDelayInMs: 1000 },
  });
  return (name) => {
    const client = service.getQueueClient(name);
    return {
      name,
      async receive(max, seconds) {
        try {
          const options = { numberOfMessages: max, visibilityTimeout: seconds };
          const { receivedMessageItems } = await client.receiveMessages(options);
          return receivedMessageItems.map((item) => ({
            id: item.messageId,
            popReceipt: item.popReceipt,
            text: item.messageText,
            dequeueCount: item.dequeueCount,
            insertedOn: item.insertedOn,
            expiresOn: item.expiresOn,
            nextVisibleOn: item.nextVisibleOn,
          }));
        } catch (error) {
          if (errorCode(error) === 'QueueNotFound') return [];
          throw error;
        }
      },
      async remove(id, popReceipt) {
        await client.deleteMessage(id, popReceipt);
      },
      async hide(id, popReceipt, seconds) {
        const answer = await client.updateMessage(id, popReceipt, undefined, seconds);
        return answer.popReceipt ?? popReceipt;
      },
      async send(text) {
        try {
          await client.sendMessage(text);
        } catch (error) {
          if (errorCode(error) !== 'QueueNotFound') throw error;
          await client.createIfNotExists();
          await client.sendMessage(text);
        }
      },
    };
  };
}
