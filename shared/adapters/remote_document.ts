import type { Clock } from '../ports.js';

export interface RemoteDocumentOptions<T> {
  readonly load: () => Promise<T>;
  readonly clock: Clock;
  /** How long a document is used without asking again, ms. */
  readonly freshMs: number;
  /** How long it may be used when asking fails, counted from its own load, ms. */
  readonly staleMs: number;
  /** The least time between two attempts to load it, failed ones included, ms. */
  readonly cooldownMs: number;
}

export interface RemoteDocument<T> {
  /** @throws what `load` threw when there is no document young enough */
  get(): Promise<T>;
  /** Loads again unless the last attempt was within the cooldown, in which case the known document is returned. */
  reload(): Promise<T>;
}

/**
 * A document fetched from elsewhere and kept. Unlike jose's remote key set it goes on serving what it has when the source is down,
 * and a source that is down is asked once a cooldown, not once a request.
 */
export function createRemoteDocument<T>(options: RemoteDocumentOptions<T>): RemoteDocument<T> {
  const { load, clock, freshMs, staleMs, cooldownMs } = options;
  let known: { value: T; at: number } | undefined;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let lastError: unknown;
  let inFlight: Promise<T> | undefined;

  const loadNow = async (): Promise<T> => {
    attemptedAt = clock();
    try {
      const value = await load();
      known = { value, at: clock() };
      return value;
    } catch (error) {
      lastError = error;
      return usable();
    } finally {
      inFlight = undefined;
    }
  };
  const usable = (): T => {
    if (known && clock() - known.at < staleMs) return known.value;
    throw lastError;
  };
  const reload = (): Promise<T> => {
    if (inFlight) return inFlight;
    if (clock() - attemptedAt < cooldownMs) return Promise.resolve().then(usable);
    inFlight = loadNow();
    return inFlight;
  };
  return {
    get: () => (known && clock() - known.at < freshMs ? Promise.resolve(known.value) : reload()),
    reload,
  };
}
