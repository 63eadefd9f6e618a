import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

export interface Counted {
  readonly reads: number;
  readonly writes: number;
  /** Rows within transactions count as one write: storage takes a transaction as one request. */
  readonly byTable: ReadonlyMap<string, number>;
}

/** Requests this process sends to table storage while `work` runs. */
export async function countTableRequests(work: () => Promise<unknown>): Promise<Counted> {
  let reads = 0;
  let writes = 0;
  const byTable = new Map<string, number>();
  const heard = (message: unknown): void => {
    const request = requestOf(message);
    if (!request) return;
    if (request.method === 'GET') reads++;
    else writes++;
    const table = /\/devstoreaccount1\/([A-Za-z$]+)/.exec(request.path)?.[1] ?? 'other';
    const key = `${request.method === 'GET' ? 'read' : 'write'} ${table}`;
    byTable.set(key, (byTable.get(key) ?? 0) + 1);
  };
  subscribe('http.client.request.start', heard);
  try {
    await work();
  } finally {
    unsubscribe('http.client.request.start', heard);
  }
  return { reads, writes, byTable };
}

function requestOf(message: unknown): ClientRequest | undefined {
  if (typeof message !== 'object' || message === null || !('request' in message)) return undefined;
  const { request } = message as { request: ClientRequest };
  return request.path.includes('/devstoreaccount1/') ? request : undefined;
}
