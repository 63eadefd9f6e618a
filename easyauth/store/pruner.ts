import { randomInt } from 'node:crypto';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { storeParts, type TokenStore } from './token_store.js';
import type { TokenVault } from './token_vault.js';

/** One sixteenth of the store at a time, so the whole store in about four hours. */
const everyMs = 900_000;
const mostInOneSweep = 500;

export interface PrunerDeps {
  readonly store: TokenStore;
  readonly vault: TokenVault;
  /** How long after its last write an entry may go; undefined keeps all of them. */
  readonly pruneAfterMs: number | undefined;
  readonly refreshExtensionMs: number;
  readonly now: () => number;
  readonly log: Log;
}

export interface Pruner {
  /** Goes through one part of the store; the number of documents removed, 500 at most. */
  sweep(part: string): Promise<number>;
  stop(): Promise<void>;
}

/** Whether no session made from this document can live or be refreshed any more. Asked again under the user's lock. */
async function isOver(deps: PrunerDeps, user: string, before: number): Promise<boolean> {
  const writtenAt = await deps.store.writtenAt(user);
  if (writtenAt === undefined || writtenAt >= before) return false;
  const entries = (await deps.vault.find(user))?.entries.values() ?? [];
  // A session may last as long as the provider's token does, where the configuration says so.
  const ends = [...entries].map(({ expiresAt }) => (expiresAt ?? 0) + deps.refreshExtensionMs);
  return ends.every((end) => end < deps.now());
}

async function sweep(deps: PrunerDeps, part: string, stopped: () => boolean): Promise<number> {
  const { store, vault, pruneAfterMs } = deps;
  const before = pruneAfterMs === undefined ? Number.NEGATIVE_INFINITY : deps.now() - pruneAfterMs;
  let removed = 0;
  for await (const user of store.unusedSince(part, before)) {
    if (removed >= mostInOneSweep || stopped()) break;
    await vault.exclusive(user, async () => {
      if (!(await isOver(deps, user, before))) return;
      await vault.remove(user);
      removed += 1;
    });
  }
  if (removed > 0) deps.log('info', 'unused token entries pruned', { removed });
  return removed;
}

/**
 * Removes, now and then, what nobody can use any more. Several gateways over one store may do so at once: each removal is judged
 * again under the user's lock, and they begin at different parts.
 */
export function startPruner(deps: PrunerDeps): Pruner {
  let stopped = false;
  let turn = randomInt(storeParts.length);
  let running: Promise<unknown> = Promise.resolve();
  const run = () => {
    turn = (turn + 1) % storeParts.length;
    running = running
      .then(() => sweep(deps, storeParts[turn] ?? '0', () => stopped))
      .catch((error: unknown) =>
        deps.log('warn', 'pruning the token store failed', { reason: messageOf(error) }),
      );
  };
  const timer = setInterval(run, everyMs - randomInt(60_000)).unref();
  return {
    sweep: (part) => sweep(deps, part, () => stopped),
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
