import type { Connection, KeptToken } from '../domain/connection.js';
import { Unreadable } from '../domain/errors.js';
import { accessTokenSeal, refreshTokenSeal, type SealContext } from '../domain/seal_context.js';
import type {
  AuditLog,
  Clock,
  ConnectionStore,
  Random,
  SealedPlace,
  SealedPlaces,
  Spill,
  Vault,
  Versioned,
} from '../ports.js';

/** What became of each row; a connection is one row with all that is kept beside it. */
export interface RewrapReport {
  /** The key everything is to be under. */
  readonly key: string;
  readonly moved: number;
  readonly already: number;
  /** Being changed by somebody else: the next run finds it under the new key, or takes it. */
  readonly busy: number;
  /** Neither opened nor touched. */
  readonly unreadable: number;
  /** Successors in the second place, which are restored first. */
  readonly spilled: number;
}

export type Rewrap = (options: { dryRun: boolean }) => Promise<RewrapReport>;

interface Deps {
  readonly vault: Vault;
  readonly places: SealedPlaces;
  readonly connections: ConnectionStore;
  readonly spill: Spill;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

type Outcome = 'moved' | 'already' | 'busy' | 'unreadable';

const CANARY: SealContext = { table: 'rewrap', subject: '', provider: '', generation: 0, purpose: 'canary' };

/**
 * Seals everything anew that lies under an older key of the vault, while the broker runs, so that the older key can be switched off. Each
 * row is one conditional write of its own: cut off anywhere, nothing is lost, and the next run goes on with what is left.
 */
export function createRewrap(deps: Deps): Rewrap {
  return async ({ dryRun }) => {
    const key = deps.vault.keyOf(await deps.vault.seal('canary', CANARY));
    const count = { moved: 0, already: 0, busy: 0, unreadable: 0 };
    const run = { key, dryRun };
    for (const place of await deps.places.own()) count[await guarded(() => moveOwn(deps, place, run))]++;
    let cursor: string | undefined;
    do {
      const page = await deps.places.connections(cursor);
      count.unreadable += page.unreadable;
      for (const found of page.items) count[await guarded(() => moveConnection(deps, found, run))]++;
      cursor = page.cursor;
    } while (cursor !== undefined);
    const report = { key, ...count, spilled: await spilledOf(deps) };
    if (!dryRun) await record(deps, report);
    return report;
  };
}

interface Run {
  readonly key: string;
  readonly dryRun: boolean;
}

/** A value that does not open is left as it is: it may be what an investigation needs. */
async function guarded(move: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await move();
  } catch (error) {
    if (error instanceof Unreadable) return 'unreadable';
    throw error;
  }
}

async function moveOwn(deps: Deps, place: SealedPlace, { key, dryRun }: Run): Promise<Outcome> {
  if (deps.vault.keyOf(place.sealed) === key) return 'already';
  const sealed = await reseal(deps, place.sealed, place.context);
  if (dryRun) return 'moved';
  return (await place.replace(sealed)) ? 'moved' : 'busy';
}

async function moveConnection(
  deps: Deps,
  found: Versioned<Connection>,
  { key, dryRun }: Run,
): Promise<Outcome> {
  const connection = found.value;
  const kept = await deps.connections.keptTokens(connection.subject);
  if (sealedIn(connection, kept).every((sealed) => deps.vault.keyOf(sealed) === key)) return 'already';
  // A claim ages by the last write of its row: writing here would make a dead one look alive.
  if (connection.claim) return 'busy';
  const after = await resealConnection(deps, connection);
  const keep = await Promise.all(kept.map((token) => resealKept(deps, token)));
  if (dryRun) return 'moved';
  if (await deps.connections.replace(after, found.etag, { keep })) return 'moved';
  // The SDK may have tried again a write that was applied, and met it.
  const now = (await deps.connections.find(connection.subject))?.value;
  return now?.refreshToken === after.refreshToken ? 'moved' : 'busy';
}

function sealedIn({ refreshToken, previous }: Connection, kept: readonly KeptToken[]): readonly string[] {
  const values = [refreshToken, previous?.refreshToken, ...kept.map(({ token }) => token?.sealed)];
  return values.filter((value) => value !== undefined);
}

async function resealConnection(deps: Deps, connection: Connection): Promise<Connection> {
  const { refreshToken, previous } = connection;
  const before = { ...connection, generation: connection.generation - 1 };
  return {
    ...connection,
    ...(refreshToken === undefined
      ? {}
      : { refreshToken: await reseal(deps, refreshToken, refreshTokenSeal(connection)) }),
    ...(previous === undefined
      ? {}
      : {
          previous: {
            ...previous,
            refreshToken: await reseal(deps, previous.refreshToken, refreshTokenSeal(before)),
          },
        }),
  };
}

async function resealKept(deps: Deps, kept: KeptToken): Promise<KeptToken> {
  const { token } = kept;
  if (token?.sealed === undefined) return kept;
  const sealed = await reseal(deps, token.sealed, accessTokenSeal(kept, kept.target));
  return { ...kept, token: { ...token, sealed } };
}

async function reseal({ vault }: Deps, sealed: string, context: SealContext): Promise<string> {
  return vault.seal(await vault.open(sealed, context), context);
}

async function spilledOf({ spill }: Deps): Promise<number> {
  return (await spill.list({ limit: 1000 })).items.length;
}

async function record(deps: Deps, { key, moved, busy, unreadable }: RewrapReport): Promise<void> {
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: 'key.rewrapped',
    actor: 'operator',
    reason: `${moved} rows moved to ${key}, ${busy} busy, ${unreadable} unreadable`,
  });
}
