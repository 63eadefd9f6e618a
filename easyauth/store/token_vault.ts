import { LRUCache } from 'lru-cache';
import type { Sealer } from '../crypto/seal.js';
import type { Log } from '../log.js';
import { type TokenEntry, tokenHeaders } from './token_entry.js';
import type { Lease, TokenStore } from './token_store.js';

/** A user's entries by provider, with the headers they become. */
export interface UserTokens {
  readonly entries: ReadonlyMap<string, TokenEntry>;
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** The token store as the gateway uses it: sealed entries, one per provider, in one document a user. */
export interface TokenVault {
  /** What is stored now; opened once and remembered as long as the stored version stays the same. */
  find(user: string): Promise<UserTokens | undefined>;
  /** As `find`, but a busy user's version is asked for at most once in 5 ms: what another gateway wrote may be that late. */
  glance(user: string): Promise<UserTokens | undefined>;
  put(user: string, entry: TokenEntry): Promise<void>;
  remove(user: string): Promise<void>;
  exclusive<T>(user: string, work: (lease: Lease) => Promise<T>): Promise<T>;
}

const glanceMs = 5;
const none: UserTokens = { entries: new Map(), headers: new Map() };

function documentTokens(text: string): Map<string, string> {
  const out = new Map<string, string>();
  const document: unknown = JSON.parse(text);
  const tokens: unknown =
    typeof document === 'object' && document !== null ? Reflect.get(document, 'tokens') : {};
  for (const [provider, sealed] of Object.entries(tokens ?? {}))
    if (typeof sealed === 'string') out.set(provider, sealed);
  return out;
}

/** Keeps entries sealed in `store`, each bound to its user and provider so that none can be moved to another. */
export function createTokenVault(store: TokenStore, sealer: Sealer, log: Log): TokenVault {
  const cache = new LRUCache<string, { version: string; tokens: UserTokens; checkedAt: number }>({
    maxSize: 64_000_000,
    sizeCalculation: ({ tokens }, key) =>
      [...tokens.headers.values()].flat().reduce((sum, text) => sum + 2 * text.length, key.length + 2_000),
  });

  const openAll = (user: string, text: string): UserTokens => {
    const entries = new Map<string, TokenEntry>();
    for (const [provider, sealed] of documentTokens(text)) {
      const json = sealer.open(Buffer.from(sealed, 'base64'), `${user}/${provider}`);
      // Sealed by us and bound to this place, so it is an entry written by `put`.
      if (json !== undefined) entries.set(provider, JSON.parse(json) as TokenEntry);
      else log('warn', 'a stored token entry does not open; the user must sign in again', { provider });
    }
    const headers = new Map([...entries].map(([provider, entry]) => [provider, tokenHeaders(entry)]));
    return { entries, headers };
  };

  const load = async (user: string): Promise<UserTokens | undefined> => {
    const document = await store.read(user);
    if (document === undefined) return undefined;
    let tokens = none;
    try {
      tokens = openAll(user, document.text);
    } catch {
      log('warn', 'a stored token document cannot be read; the user must sign in again');
    }
    cache.set(user, { version: document.version, tokens, checkedAt: performance.now() });
    return tokens;
  };

  const find = async (user: string): Promise<UserTokens | undefined> => {
    const present = store.version(user);
    const version = typeof present === 'object' ? await present : present;
    if (version === undefined) return undefined;
    const known = cache.get(user);
    if (known?.version !== version) return load(user);
    known.checkedAt = performance.now();
    return known.tokens;
  };

  return {
    find,
    glance: async (user) => {
      const known = cache.get(user);
      const young = known !== undefined && performance.now() - known.checkedAt < glanceMs;
      return young ? known.tokens : find(user);
    },
    put: async (user, entry) => {
      const entries = new Map((await load(user))?.entries ?? []);
      entries.set(entry.provider, entry);
      const sealed = [...entries].map(([provider, item]) => [
        provider,
        sealer.seal(JSON.stringify(item), `${user}/${provider}`).toString('base64'),
      ]);
      const document = { version: 1, encrypted: true, tokens: Object.fromEntries(sealed) };
      await store.write(user, JSON.stringify(document));
      cache.delete(user);
    },
    remove: async (user) => {
      cache.delete(user);
      await store.remove(user);
    },
    exclusive: store.exclusive,
  };
}
