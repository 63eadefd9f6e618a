import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey, errors as jose } from 'jose';
import { LRUCache } from 'lru-cache';
import { isRecord } from '../../config/reader.js';
import { ProviderError } from '../../errors.js';
import type { Log } from '../../log.js';
import { createCached } from './cached.js';
import type { ProviderHttp } from './provider_http.js';

const hour = 3_600_000;
const unknownKeyMs = 30_000;
const reloadsInARow = 5;
const reloadEveryMs = 10_000;

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isRecord(value) && Array.isArray(value.keys) && value.keys.every(isRecord);
}

/** Allows a few reloads at once and then one every 10 s, so that tokens with invented key ids cannot make us flood the provider. */
function createReloadBudget(now: () => number) {
  let tokens = reloadsInARow;
  let at = now();
  return () => {
    tokens = Math.min(reloadsInARow, tokens + (now() - at) / reloadEveryMs);
    at = now();
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

interface KeySetOptions {
  readonly http: ProviderHttp;
  readonly uri: () => Promise<string>;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * The provider's signing keys for `jose`. Kept for an hour and over outages; an unknown key id loads them again at once, the same
 * unknown id not twice within 30 s.
 */
export function createProviderKeys({ http, uri, now, log }: KeySetOptions): JWTVerifyGetKey {
  const mayReload = createReloadBudget(now);
  const unknown = new LRUCache<string, number>({ max: 1_000 });
  const keys = createCached({
    what: 'signing keys',
    load: async () => {
      const { status, body } = await http.get(await uri());
      if (status !== 200 || !isKeySet(body))
        throw new ProviderError('unreachable', `signing keys: answer ${status} without keys`);
      return createLocalJWKSet(body);
    },
    freshMs: hour,
    cooldownMs: 5_000,
    now,
    log,
  });
  return async (header, token) => {
    const select = await keys.get();
    try {
      return await select(header, token);
    } catch (error) {
      const kid = header?.kid ?? '';
      const seen = unknown.get(kid);
      const again = seen === undefined || now() - seen >= unknownKeyMs;
      if (!(error instanceof jose.JWKSNoMatchingKey) || !again || !mayReload()) throw error;
      unknown.set(kid, now());
      return (await keys.reload())(header, token);
    }
  };
}
