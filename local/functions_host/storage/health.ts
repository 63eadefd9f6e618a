import { errorCode } from '../errors.js';
import type { Log } from '../log.js';

/** Whether one storage service answers; says so in the log when that changes, and only then. */
export interface StorageHealth {
  ok(): void;
  failed(error: unknown): void;
}

/** `service` names it on the line, such as `AzureWebJobsStorage (queues)`. */
export function createStorageHealth(log: Log, service: string): StorageHealth {
  let down = false;
  return {
    ok() {
      if (down) log.write('information', 'Host.Storage', 'storage answers again', { service });
      down = false;
    },
    failed(error) {
      // Only the code: a storage error's message can hold a signed URL.
      const reason = errorCode(error);
      if (!down)
        log.write('error', 'Host.Storage', 'storage does not answer, trying on', { service, reason });
      down = true;
    },
  };
}

/** One health per service of a connection, shared by everything that uses it. */
export function createHealthBook(log: Log): (service: string) => StorageHealth {
  const known = new Map<string, StorageHealth>();
  return (service) => {
    const health = known.get(service) ?? createStorageHealth(log, service);
    known.set(service, health);
    return health;
  };
}
