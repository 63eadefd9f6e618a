import { randomBytes } from 'node:crypto';
import { createKeyQueue } from '../key_queue.js';
import { StoreConflictError, StoreUnavailableError } from '../store_errors.js';
import { claimName, documentName, type Lease, type TokenStore, userOfDocument } from '../token_store.js';
import { type BlobClient, createBlobClient } from './blob_client.js';
import { type ListedBlob, listBlobs } from './blob_list.js';
import { staleMs, withLockBlob } from './blob_lock.js';
import type { ContainerAccess } from './container_access.js';

const emptyDocument = '{"version":1,"encrypted":true,"tokens":{}}';

const leftoverMs = 20 * staleMs;
const leftoverForm = /\.json\.lock$|^[0-9a-f]{64}\.claim$/;

/** Removes an old claim or a lock that a killed gateway left; without the permission to delete they stay. */
async function removeLeftover(client: BlobClient, { name, etag, modifiedAt }: ListedBlob): Promise<void> {
  if (!leftoverForm.test(name) || Date.now() - modifiedAt < leftoverMs) return;
  try {
    await client.call({ method: 'DELETE', name, headers: { 'if-match': etag } });
  } catch (error) {
    if (!(error instanceof StoreUnavailableError) || error.failure !== 'refused') throw error;
  }
}

/** A mark that only one of many can make. Our own call may have been applied although its answer was lost: the text tells. */
async function claim(client: BlobClient, name: string): Promise<boolean> {
  const body = randomBytes(16).toString('hex');
  const { status } = await client.call({ method: 'PUT', name, body, headers: { 'if-none-match': '*' } });
  return status < 300 || (await client.call({ method: 'GET', name })).text === body;
}

/**
 * Token documents in a blob container, reached with plain GET, PUT and DELETE: `<user>.json`, each write on the
 * condition of the etag it was made from. A SAS without the permission to delete empties documents instead; one without the
 * permission to list leaves pruning out.
 */
export function createBlobStore(access: ContainerAccess): TokenStore {
  const client = createBlobClient(access);
  const queued = createKeyQueue();
  return {
    glanceMs: 2_000,
    read: async (user, known) => {
      const headers: Record<string, string> = known === undefined ? {} : { 'if-none-match': known };
      const answer = await client.call({ method: 'GET', name: documentName(user), headers });
      if (answer.status === 304) return 'unchanged';
      return answer.status === 200 ? { version: answer.etag, text: answer.text } : undefined;
    },
    write: async (user, text, replaces) => {
      const headers: Record<string, string> =
        replaces === undefined ? { 'if-none-match': '*' } : { 'if-match': replaces };
      const { status } = await client.call({ method: 'PUT', name: documentName(user), body: text, headers });
      if (status >= 300) throw new StoreConflictError('another version is stored');
    },
    remove: async (user) => {
      const name = documentName(user);
      try {
        await client.call({ method: 'DELETE', name });
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || error.failure !== 'refused') throw error;
        await client.call({ method: 'PUT', name, body: emptyDocument });
      }
    },
    exclusive: <T>(user: string, work: (lease: Lease) => Promise<T>) =>
      queued(user, () => withLockBlob(client, `${documentName(user)}.lock`, work)),
    claim: (key) => claim(client, claimName(key)),
    writtenAt: async (user) => {
      const { status, modifiedAt } = await client.call({ method: 'HEAD', name: documentName(user) });
      return status === 200 ? modifiedAt : undefined;
    },
    async *unusedSince(part, before) {
      for await (const blob of listBlobs(client, part)) {
        const user = userOfDocument(blob.name);
        if (user === undefined) await removeLeftover(client, blob);
        else if (blob.modifiedAt < before) yield user;
      }
    },
    close: () => client.close(),
  };
}
