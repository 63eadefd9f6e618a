import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { StoreBusyError, StoreUnavailableError } from '../store_errors.js';
import type { Lease } from '../token_store.js';
import type { BlobAnswer, BlobClient } from './blob_client.js';

/** After this, by the service's clock, a lock counts as left behind: longer than the work under it takes. */
export const staleMs = 30_000;
const patienceMs = 40_000;

const conflict = (status: number) => status === 409 || status === 412;

/** Free, left behind, or ours already because the answer to our own call was lost on the way. */
function isOpen({ text, modifiedAt, serverTime }: BlobAnswer, owner: string): boolean {
  return text === '' || text === owner || serverTime - modifiedAt > staleMs;
}

/** One attempt: made anew, or taken over as exactly the version that was judged. The etag of the lock when it is ours. */
async function tryAcquire(client: BlobClient, name: string, owner: string): Promise<string | undefined> {
  const put = async (condition: Record<string, string>) => {
    const answer = await client.call({ method: 'PUT', name, body: owner, headers: condition });
    return answer.status < 300 ? answer.etag : undefined;
  };
  const made = await put({ 'if-none-match': '*' });
  if (made !== undefined) return made;
  const present = await client.call({ method: 'GET', name });
  if (present.status !== 200 || !isOpen(present, owner)) return undefined;
  return present.text === owner ? present.etag : put({ 'if-match': present.etag });
}

async function acquire(client: BlobClient, name: string, owner: string): Promise<string> {
  const giveUp = Date.now() + patienceMs;
  for (let pause = 10; ; pause = Math.min(pause * 1.6, 120)) {
    const etag = await tryAcquire(client, name, owner);
    if (etag !== undefined) return etag;
    if (Date.now() > giveUp) throw new StoreBusyError('the user document stays locked');
    await wait(pause + Math.random() * pause);
  }
}

/** A SAS may lack the permission to delete: then the lock is emptied, which frees it as well. */
async function release(client: BlobClient, name: string, etag: string): Promise<void> {
  const headers = { 'if-match': etag };
  try {
    await client.call({ method: 'DELETE', name, headers });
  } catch (error) {
    if (!(error instanceof StoreUnavailableError) || error.failure !== 'refused') throw error;
    await client.call({ method: 'PUT', name, body: '', headers });
  }
}

/**
 * Runs `work` while this process alone holds the lock blob `name`. Each step is conditional on the blob's etag, so of several takers
 * exactly one wins, and a holder that was slow never removes the lock of the next.
 * @throws StoreBusyError after 40 s of waiting, StoreUnavailableError
 */
export async function withLockBlob<T>(
  client: BlobClient,
  name: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const etag = await acquire(client, name, randomBytes(16).toString('hex'));
  const lost = async () => {
    const { status } = await client.call({ method: 'HEAD', name, headers: { 'if-match': etag } });
    return conflict(status) || status === 404;
  };
  try {
    return await work({ lost });
  } finally {
    // The work is done and stored; a lock that cannot be given back ages.
    await release(client, name, etag).catch(() => undefined);
  }
}
