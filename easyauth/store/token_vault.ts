import { LRUCache } from 'lru-cache';
import type { Sealer } from '../crypto/seal.js';
import type { Log } from '../log.js';
import { StoreConflictError } from './store_errors.js';
import { type ExpiresOnForm, type TokenEntry, tokenHeaders } from './token_entry.js';
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
  /**
   * As `find`, but what is remembered of a busy user counts for a moment (5 ms of a directory, 2 s of a blob container): what
   * another gateway wrote may be that late. Never older than `since`, the start of the asking session in milliseconds since
   * 1970: who has just signed in or refreshed, at whichever gateway, sees the outcome.
   */
  glance(user: string, since?: number): Promise<UserTokens | undefined>;
  put(user: string, entry: TokenEntry): Promise<void>;
  remove(user: string): Promise<void>;
  exclusive<T>(user: string, work: (lease: Lease) => Promise<T>): Promise<T>;
  /** Forgets what is remembered of a user, questions under way included: the store has been changed by another process. */
  forget(user: string): void;
}

export interface VaultDeps {
  readonly store: TokenStore;
  readonly sealer: Sealer;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly expiresOnForm?: ExpiresOnForm;
  /** Told after each write and removal, and waited for: other processes that remember the user. */
  readonly changed?: (user: string) => Promise<void>;
}

/** Clocks of several machines are at most so far apart. */
const skewMs = 2_000;
const mostConflicts = 5;
const none: UserTokens = { entries: new Map(), headers: new Map() };

/** What was found, and when it was asked for: on this process's steady clock and on the wall's. */
interface Found {
  readonly version: string | undefined;
  readonly tokens: UserTokens | undefined;
  readonly steadyAt: number;
  readonly wallAt: number;
}

function documentTokens(text: string): Map<string, string> {
  const out = new Map<string, string>();
  const document: unknown = JSON.parse(text);
  const tokens: unknown =
    typeof document === 'object' && document !== null ? Reflect.get(document, 'tokens') : {};
  for (const [provider, sealed] of Object.entries(tokens ?? {}))
    if (typeof sealed === 'string') out.set(provider, sealed);
  return out;
}

function sizeOf({ tokens }: Found, user: string): number {
  const texts = [...(tokens?.headers.values() ?? [])].flat();
  return texts.reduce((sum, text) => sum + 2 * text.length, user.length + 2_000);
}

/** Opens and seals documents, each entry bound to its user and provider so that none can be moved to another. */
function createDocuments({ sealer, log, expiresOnForm = 'round-trip' }: VaultDeps) {
  const openAll = (user: string, text: string): UserTokens => {
    const entries = new Map<string, TokenEntry>();
    for (const [provider, sealed] of documentTokens(text)) {
      const json = sealer.open(Buffer.from(sealed, 'base64'), `${user}/${provider}`);
      // Sealed by us and bound to this place, so it is an entry written by `write`.
      if (json !== undefined) entries.set(provider, JSON.parse(json) as TokenEntry);
      else log('warn', 'a stored token entry does not open; the user must sign in again', { provider });
    }
    const headers = new Map(
      [...entries].map(([provider, entry]) => [provider, tokenHeaders(entry, expiresOnForm)]),
    );
    return { entries, headers };
  };
  return {
    open: (user: string, text: string): UserTokens => {
      try {
        return openAll(user, text);
      } catch {
        log('warn', 'a stored token document cannot be read; the user must sign in again');
        return none;
      }
    },
    write: (user: string, entries: ReadonlyMap<string, TokenEntry>): string => {
      const sealed = [...entries].map(([provider, item]) => [
        provider,
        sealer.seal(JSON.stringify(item), `${user}/${provider}`).toString('base64'),
      ]);
      return JSON.stringify({ version: 1, encrypted: true, tokens: Object.fromEntries(sealed) });
    },
  };
}

/** Keeps entries sealed in `store`, and remembers opened ones, about 64 MB of them. */
export function createTokenVault(deps: VaultDeps): TokenVault {
  const { store, now, changed = async () => {} } = deps;
  const documents = createDocuments(deps);
  const cache = new LRUCache<string, Found>({ maxSize: 64_000_000, sizeCalculation: sizeOf });
  const asking = new Map<string, { wallAt: number; found: Promise<Found> }>();

  const ask = async (user: string): Promise<Found> => {
    const known = cache.get(user);
    const times = { steadyAt: performance.now(), wallAt: now() };
    const answer = store.read(user, known?.version);
    const document = answer instanceof Promise ? await answer : answer;
    const found: Found =
      document === 'unchanged'
        ? { version: known?.version, tokens: known?.tokens, ...times }
        : document === undefined
          ? { version: undefined, tokens: undefined, ...times }
          : { version: document.version, tokens: documents.open(user, document.text), ...times };
    // A slow answer never replaces what was asked for after it.
    if ((cache.peek(user)?.steadyAt ?? 0) <= times.steadyAt) cache.set(user, found);
    return found;
  };

  /** Requests that only glance share one question to the store. */
  const askTogether = async (user: string, since: number): Promise<Found> => {
    const running = asking.get(user);
    if (running !== undefined && running.wallAt > since + skewMs) return running.found;
    const mine = { wallAt: now(), found: ask(user) };
    asking.set(user, mine);
    try {
      return await mine.found;
    } finally {
      if (asking.get(user) === mine) asking.delete(user);
    }
  };

  /** Remembered as asked for never: no glance is content with it, and no answer to an earlier question replaces it. */
  const forget = (user: string): void => {
    asking.delete(user);
    const steadyAt = performance.now();
    cache.set(user, { version: undefined, tokens: undefined, steadyAt, wallAt: Number.NEGATIVE_INFINITY });
  };
  const tell = async (user: string): Promise<void> => {
    forget(user);
    await changed(user);
  };

  const write = async (user: string, entry: TokenEntry): Promise<void> => {
    const { version, tokens } = await ask(user);
    const entries = new Map(tokens?.entries ?? []).set(entry.provider, entry);
    await store.write(user, documents.write(user, entries), version);
  };

  return {
    find: async (user) => (await ask(user)).tokens,
    glance: async (user, since = 0) => {
      const known = cache.get(user);
      const young = known !== undefined && performance.now() - known.steadyAt < store.glanceMs;
      if (young && known.wallAt > since + skewMs) return known.tokens;
      return (await askTogether(user, since)).tokens;
    },
    put: async (user, entry) => {
      for (let conflicts = 0; ; conflicts += 1) {
        try {
          return await write(user, entry);
        } catch (error) {
          if (!(error instanceof StoreConflictError) || conflicts === mostConflicts) throw error;
        } finally {
          await tell(user);
        }
      }
    },
    remove: async (user) => {
      try {
        await store.remove(user);
      } finally {
        await tell(user);
      }
    },
    forget,
    exclusive: store.exclusive,
  };
}
