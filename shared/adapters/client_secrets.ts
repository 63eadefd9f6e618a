import { createHmac, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { LRUCache } from 'lru-cache';
import { type ClientSecret, digestOf, matchesHash, type SecretHash } from '../domain/client_secret.js';
import { lengthPrefixed } from '../domain/digest.js';
import type { ClientSecrets, Random } from '../ports.js';
import { createWorkGate } from './work_gate.js';

interface Deps {
  readonly clients: ReadonlyMap<string, { readonly secrets: readonly ClientSecret[] }>;
  readonly random: Random;
  /** Works a hash out; the machine's own unless given. */
  readonly check?: typeof matchesHash;
}

const MOST_REMEMBERED = 20_000;
/** One core stays free for everybody else, where there is more than one. */
const CONCURRENT = Math.min(2, Math.max(1, availableParallelism() - 1));

/**
 * Secrets of clients. A hash is worked out once for a secret that is right and once for one that is wrong; after that a keyed digest is
 * looked up, which is of no use outside this process. Slow work is bounded: so much at once, so much waiting, so much for each client id.
 */
export function createClientSecrets({ clients, random, check = matchesHash }: Deps): ClientSecrets {
  const key = random.bytes(32);
  // Two, so that a flood of guesses does not push out what is right.
  const right = new LRUCache<string, true>({ max: MOST_REMEMBERED });
  const wrong = new LRUCache<string, true>({ max: MOST_REMEMBERED });
  const underWay = new Map<string, Promise<boolean>>();
  const gate = createWorkGate({ concurrent: CONCURRENT, waiting: 64, waitingEach: 8 });
  const rounds = roundsFor(clients, random);

  const workOut = async (clientId: string, secret: string, tag: string): Promise<boolean> => {
    const hashes = hashesOf(clients.get(clientId)?.secrets ?? []);
    const matches = await gate(clientId, () => anyMatches(secret, { hashes, rounds, check }));
    (matches ? right : wrong).set(tag, true);
    return matches;
  };
  return {
    async matches(clientId, secret) {
      const tag = createHmac('sha256', key)
        .update(lengthPrefixed([clientId, secret]), 'utf8')
        .digest('base64');
      if (right.has(tag)) return true;
      if (matchesDigest(secret, clients.get(clientId)?.secrets ?? [])) {
        right.set(tag, true);
        return true;
      }
      if (rounds.length === 0 || wrong.has(tag)) return false;
      const known = underWay.get(tag);
      if (known) return known;
      const work = workOut(clientId, secret, tag).finally(() => underWay.delete(tag));
      underWay.set(tag, work);
      return work;
    },
  };
}

function hashesOf(secrets: readonly ClientSecret[]): readonly SecretHash[] {
  return secrets.filter((secret) => secret.kind === 'scrypt');
}

/** As many stand-ins as the client with the most hashes has, as costly as the costliest: what every wrong secret takes, whoever's it claims to be. */
function roundsFor(clients: Deps['clients'], random: Random): readonly SecretHash[] {
  const each = [...clients.values()].map(({ secrets }) => hashesOf(secrets));
  const most = Math.max(0, ...each.map((hashes) => hashes.length));
  const [costliest] = each.flat().sort((a, b) => work(b) - work(a));
  if (!costliest) return [];
  return Array.from({ length: most }, () => ({
    ...costliest,
    salt: random.bytes(16),
    hash: random.bytes(32),
  }));
}

function work({ cost: { N, r, p } }: SecretHash): number {
  return N * r * p;
}

/** A secret that is wrong, or of no client at all, takes all rounds. */
async function anyMatches(
  secret: string,
  {
    hashes,
    rounds,
    check,
  }: { hashes: readonly SecretHash[]; rounds: readonly SecretHash[]; check: typeof matchesHash },
): Promise<boolean> {
  for (const [round, standIn] of rounds.entries()) {
    const own = hashes[round];
    if ((await check(secret, own ?? standIn)) && own) return true;
  }
  return false;
}

function matchesDigest(secret: string, secrets: readonly ClientSecret[]): boolean {
  const given = digestOf(secret).digest;
  // All of them, so that the time taken does not tell which one was near.
  return (
    secrets.filter((known) => known.kind === 'digest' && timingSafeEqual(given, known.digest)).length > 0
  );
}
