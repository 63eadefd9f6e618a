import { messageOf } from '../../errors.js';
import type { Log } from '../../log.js';

interface CachedOptions<T> {
  readonly what: string;
  readonly load: () => Promise<T>;
  readonly freshMs: number;
  /** How long a failure is believed before the next attempt. */
  readonly cooldownMs: number;
  readonly now: () => number;
  readonly log: Log;
}

export interface Cached<T> {
  /** The value; an old one when it cannot be loaded again. Throws what `load` threw when there was never one. */
  get(): Promise<T>;
  /** Loads again although the value is fresh. */
  reload(): Promise<T>;
  /** When the value was last loaded, in milliseconds; undefined before the first time. */
  loadedAt(): number | undefined;
}

/** A remote document kept in memory: loaded once for many callers, kept over failures, not asked for again right after one. */
export function createCached<T>(options: CachedOptions<T>): Cached<T> {
  let value: { at: number; data: T } | undefined;
  let failure: { at: number; error: unknown } | undefined;
  let loading: Promise<T> | undefined;

  const fetch = async (): Promise<T> => {
    try {
      const data = await options.load();
      value = { at: options.now(), data };
      failure = undefined;
      return data;
    } catch (error) {
      failure = { at: options.now(), error };
      const reason = messageOf(error);
      options.log('warn', `${options.what} cannot be loaded`, { reason, stale: value !== undefined });
      if (value !== undefined) return value.data;
      throw error;
    } finally {
      loading = undefined;
    }
  };
  const load = () => {
    loading ??= fetch();
    return loading;
  };
  const cooling = () => failure !== undefined && options.now() - failure.at < options.cooldownMs;

  const held = async (): Promise<T> => {
    if (value !== undefined) return value.data;
    if (failure !== undefined && cooling()) throw failure.error;
    return load();
  };
  return {
    get: async () => {
      const fresh = value !== undefined && options.now() - value.at < options.freshMs;
      return fresh || cooling() ? held() : load();
    },
    reload: () => (cooling() ? held() : load()),
    loadedAt: () => value?.at,
  };
}
