import { connectionString } from '../app/app_settings.js';
import { type BlobOpener, openHostBlobs } from './blobs.js';
import type { StorageHealth } from './health.js';
import { openQueues, type QueueOpener } from './queues.js';

/** The storage accounts the app's settings name, each opened when first used. */
export interface Accounts {
  queues(connection: string | undefined): Promise<QueueOpener>;
  /** The host's container in AzureWebJobsStorage. */
  hostBlobs(): Promise<BlobOpener>;
  queueHealth(connection: string | undefined): StorageHealth;
  blobHealth(): StorageHealth;
}

export function createAccounts(env: NodeJS.ProcessEnv, health: (service: string) => StorageHealth): Accounts {
  const queueOpeners = new Map<string, Promise<QueueOpener>>();
  let blobs: Promise<BlobOpener> | undefined;
  return {
    queues(connection = 'AzureWebJobsStorage') {
      const known = queueOpeners.get(connection) ?? openQueues(required(connection, env));
      queueOpeners.set(connection, known);
      return known;
    },
    hostBlobs() {
      blobs ??= openHostBlobs(required('AzureWebJobsStorage', env));
      return blobs;
    },
    queueHealth: (connection = 'AzureWebJobsStorage') => health(`${connection} (queues)`),
    blobHealth: () => health('AzureWebJobsStorage (blobs)'),
  };
}

function required(connection: string, env: NodeJS.ProcessEnv): string {
  const found = connectionString(connection, env);
  if (!found) throw new Error(`no app setting ${connection}`);
  return found;
}

/** What is wrong with the setting a `connection` names, or undefined. Never shows its value. */
export function connectionProblem(
  connection: string | undefined,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const name = connection || 'AzureWebJobsStorage';
  const value = connectionString(name, env);
  if (value === undefined) {
    const identity = Object.keys(env).some((key) => key.startsWith(`${name}__`));
    const hint = identity ? ' (this host knows connection strings only, not identities)' : '';
    return `app setting ${name} is missing${hint}`;
  }
  const usable =
    /^UseDevelopmentStorage=true/i.test(value) || /(?:AccountName|Endpoint|SharedAccess\w*)=/i.test(value);
  return usable ? undefined : `app setting ${name} is no storage connection string`;
}
