import type { Secret } from '../../config/settings.js';
import { createKeyQueue } from '../key_queue.js';
import { StoreConflictError, StoreUnavailableError } from '../store_errors.js';
import { documentName, type Lease, type TokenStore, userOfDocument } from '../token_store.js';
import { createBlobClient } from './blob_client.js';
import { listBlobs } from './blob_list.js';
import { staleMs, withLockBlob } from './blob_lock.js';

const emptyDocument = '{"version":1,"encrypted":true,"tokens":{}}';

/**
 * Token documents in a blob container, reached by its SAS URL with plain GET, PUT and DELETE: `<user>.json`, each write on the
 * condition of the etag it was made from. A SAS without the permission to delete empties documents instead; one without the
 * permission to list leaves pruning out.
 */
export function createBlobStore(container: Secret): TokenStore {
  const client = createBlobClient(container);
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
    writtenAt: async (user) => {
      const { status, modifiedAt } = await client.call({ method: 'HEAD', name: documentName(user) });
      return status === 200 ? modifiedAt : undefined;
    },
    async *unusedSince(part, before) {
      for await (const { name, etag, modifiedAt } of listBlobs(client, part)) {
        const user = userOfDocument(name);
        if (user !== undefined) {
          if (modifiedAt < before) yield user;
        } else if (name.endsWith('.json.lock') && Date.now() - modifiedAt > 20 * staleMs)
          await client.call({ method: 'DELETE', name, headers: { 'if-match': etag } });
      }
    },
    close: () => client.close(),
  };
}
