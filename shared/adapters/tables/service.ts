import { RestError, TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import { createHttpClient } from '../http_client.js';
import { type Authorize, type BatchInsert, createBatchInsert } from './batch_insert.js';
import { createTable, type Table } from './table.js';
import { showIdentity, signWithAccountKey } from './table_access.js';

/** Where the tables are: a connection string (Azurite, or an account key) or an endpoint reached with an identity. */
export type TablesLocation = { readonly connectionString: string } | { readonly endpoint: string };

/** One answer of Table Storage takes milliseconds; without a limit a service that hangs would hold every request for minutes, ms. */
const DEADLINE_MS = 4000;

/** Short retries: a caller waits, and the flows above resolve what a retry may have hidden. */
const OPTIONS: TableServiceClientOptions = {
  retryOptions: { maxRetries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 1000 },
  additionalPolicies: [
    {
      position: 'perCall',
      policy: {
        name: 'deadline',
        sendRequest(request, next) {
          request.timeout = DEADLINE_MS;
          return next(request);
        },
      },
    },
  ],
};

/** Opens tables by name; each is created when first used, and tried again when that failed. */
export function createTables(location: TablesLocation): (name: string) => Table {
  const credential = once(identity);
  const http = createHttpClient();
  const authorize = once(() => authorizeBy(location, credential));
  const insertInto = async (client: TableClient): Promise<BatchInsert | undefined> => {
    const authorized = await authorize();
    const endpoint = client.url.replace(/\/$/, '');
    return authorized && createBatchInsert({ endpoint, authorize: authorized, http });
  };
  return (name) => {
    const client = once(() => openClient(location, { name, credential }));
    const insert = once(async () => insertInto(await client()));
    let ready: Promise<void> | undefined;
    const ensure = (): Promise<void> => {
      ready ??= client()
        .then((opened) => createIfAbsent(opened))
        .catch((error: unknown) => {
          ready = undefined;
          throw error;
        });
      return ready;
    };
    return createTable({ open: client, insert, ready: ensure });
  };
}

async function openClient(
  location: TablesLocation,
  { name, credential }: { name: string; credential: () => Promise<TokenCredential> },
): Promise<TableClient> {
  if ('connectionString' in location) {
    return TableClient.fromConnectionString(location.connectionString, name, {
      ...OPTIONS,
      allowInsecureConnection: true,
    });
  }
  return new TableClient(location.endpoint, name, await credential(), OPTIONS);
}

/** `@azure/identity` costs a quarter of a second to load, so it is loaded only where there is no connection string. */
async function identity(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

async function authorizeBy(
  location: TablesLocation,
  credential: () => Promise<TokenCredential>,
): Promise<Authorize | undefined> {
  if ('connectionString' in location) return signWithAccountKey(location.connectionString);
  return showIdentity(await credential());
}

/** The SDK swallows the 409 itself in most versions; an insert race between instances must not matter in any. */
async function createIfAbsent(client: TableClient): Promise<void> {
  try {
    await client.createTable();
  } catch (error) {
    if (!(error instanceof RestError && error.statusCode === 409)) throw error;
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
