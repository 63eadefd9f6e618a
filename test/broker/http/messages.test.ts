import { describe, expect, it } from 'vitest';
import { dueMessages, workMessage } from '../../../shared/http/host.js';
import type { DueItem } from '../../../shared/ports.js';
import { NOW, someone } from '../support/samples.js';

const items: readonly DueItem[] = [
  { subject: someone(), dueAt: NOW },
  { subject: { provider: 'google', tenant: 'https://accounts.google.com', id: "o'x" }, dueAt: NOW - 1 },
  { subject: someone(), dueAt: NOW, held: true },
];

describe('queue messages of due work', () => {
  it('carry each batch to the worker unchanged, as JSON', async () => {
    const messages = await dueMessages(async () => [items, items.slice(0, 1)]);
    const worked: (readonly DueItem[])[] = [];
    for (const message of messages) {
      await workMessage(async (batch) => void worked.push(batch), JSON.parse(JSON.stringify(message)));
    }
    expect(worked).toEqual([items, items.slice(0, 1)]);
  });

  it('fit a queue message of 64 KiB in Base64, whatever the names of 32 users', async () => {
    const long = { provider: 'aad', tenant: 't'.repeat(128), id: 'i'.repeat(255) };
    const [message] = await dueMessages(async () => [Array(32).fill({ subject: long, dueAt: NOW })]);
    expect(JSON.stringify(message).length).toBeLessThan(48 * 1024);
  });

  it('nothing due is no message', async () => {
    expect(await dueMessages(async () => [])).toEqual([]);
  });

  it.each([
    null,
    'x',
    5,
    [],
    {},
    { version: 2, items: [] },
    { version: 1 },
    { version: 1, items: 'x' },
    { version: 1, items: [null] },
    { version: 1, items: [{ provider: 'aad', tenant: 't', id: 'x' }] },
    { version: 1, items: [{ provider: 'aad', tenant: 't', id: 5, dueAt: 1 }] },
  ])(
    '%j is no message of this version: it is thrown back whole, and nothing is worked on',
    async (message) => {
      let worked = false;
      const work = async () => {
        worked = true;
      };
      await expect(workMessage(work, message)).rejects.toThrow('unknown form');
      expect(worked).toBe(false);
    },
  );
});
