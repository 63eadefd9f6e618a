import { QueueServiceClient } from '@azure/storage-queue';

export interface TestQueue {
  /** Sends a text as a sender in Azure does, base64. */
  send(text: string): Promise<void>;
  sendRaw(text: string): Promise<void>;
  /** The stored texts, waiting until there are `count`; decoded from base64. */
  texts(count: number): Promise<string[]>;
  rawTexts(count: number): Promise<string[]>;
  /** How many messages are stored, visible or not. */
  size(): Promise<number>;
}

/** A queue as seen from outside the host. */
export async function testQueue(connection: string, name: string, create = true): Promise<TestQueue> {
  const client = QueueServiceClient.fromConnectionString(connection).getQueueClient(name);
  if (create) await client.createIfNotExists();
  const rawTexts = async (count: number) => {
    for (;;) {
      const found = (await client.exists())
        ? (await client.peekMessages({ numberOfMessages: 32 })).peekedMessageItems
        : [];
      if (found.length >= count) return found.map((item) => item.messageText);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  return {
    async send(text) {
      await client.sendMessage(Buffer.from(text).toString('base64'));
    },
    async sendRaw(text) {
      await client.sendMessage(text);
    },
    texts: async (count) =>
      (await rawTexts(count)).map((text) => Buffer.from(text, 'base64').toString('utf8')),
    rawTexts,
    async size() {
      return (await client.getProperties()).approximateMessagesCount ?? 0;
    },
  };
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}
