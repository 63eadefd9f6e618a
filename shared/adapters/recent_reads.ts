import { type Connection, targetKey } from '../domain/connection.js';
import type { Grant } from '../domain/grant.js';
import type { Membership } from '../domain/membership.js';
import { type Subject, subjectKey } from '../domain/subject.js';
import type { Clock, ConnectionStore, GrantStore, LiveToken, RecentTokens, Versioned } from '../ports.js';
import { createRecent } from './recent.js';
import type { Notices } from './tables/notices.js';

/** What was read is served again for so long at most, and only while {@link Notices} say that nothing was ended since, ms. */
export const REMEMBERED_MS = 5 * 60_000;
const MOST = 20_000;
const MOST_TOKEN_BYTES = 64 * 1024 * 1024;

interface Deps {
  readonly clock: Clock;
  readonly notices: Notices;
}

/** Grants by id as read a while ago. Only grants that exist are remembered: one that was just made is found at once. */
export function withRecentGrants(store: GrantStore, { clock, notices }: Deps): GrantStore {
  const recent = createRecent<Versioned<Grant>>(clock, {
    maxAgeMs: REMEMBERED_MS,
    max: MOST,
    isUsable: (grantId, readAt) => notices.isUsable(subjectPart(grantId), readAt),
  });
  return {
    ...store,
    async find(grantId) {
      const known = recent.get(grantId);
      if (known) return known;
      const readAt = clock();
      const found = await store.find(grantId);
      if (found) recent.set(grantId, found, readAt);
      return found;
    },
    /** A grant changes only by ending. */
    async replace(grant, etag) {
      await notices.announce(subjectKey(grant.subject));
      recent.delete(grant.grantId);
      const applied = await store.replace(grant, etag);
      recent.delete(grant.grantId);
      return applied;
    },
  };
}

/** A grant id begins with its subject's key. */
function subjectPart(grantId: string): string {
  return grantId.slice(0, Math.max(0, grantId.indexOf('.')));
}

export interface RecentConnections {
  /** The store, whose every write forgets what was remembered of its subject. */
  readonly store: ConnectionStore;
  /** Whether the subject has a living connection, as of a moment ago. */
  isActive(subject: Subject): Promise<boolean>;
  /** What is proven of the subject by a living connection, as of a moment ago. */
  membershipOf(subject: Subject): Promise<Membership | undefined>;
  readonly tokens: RecentTokens;
}

export function createRecentConnections(store: ConnectionStore, { clock, notices }: Deps): RecentConnections {
  const options = { maxAgeMs: REMEMBERED_MS, max: MOST, isUsable: notices.isUsable };
  const size = { most: MOST_TOKEN_BYTES, of: bytesOf };
  const tokens = createRecent<ReadonlyMap<string, LiveToken>>(clock, { ...options, size });
  const active = createRecent<object>(clock, options);
  const memberships = createRecent<Membership>(clock, options);
  const forget = (subject: Subject): void => {
    tokens.delete(subjectKey(subject));
    active.delete(subjectKey(subject));
    memberships.delete(subjectKey(subject));
  };
  const forgetting = async <T>(subject: Subject, write: () => Promise<T>): Promise<T> => {
    try {
      return await write();
    } finally {
      forget(subject);
    }
  };
  return {
    store: {
      ...store,
      create: (connection, changes) =>
        forgetting(connection.subject, () => store.create(connection, changes)),
      async replace(connection, etag, changes) {
        if (takesAway(connection)) await notices.announce(subjectKey(connection.subject));
        return forgetting(connection.subject, () => store.replace(connection, etag, changes));
      },
    },
    async membershipOf(subject) {
      const key = subjectKey(subject);
      const known = memberships.get(key);
      if (known) return known;
      const readAt = clock();
      const found = (await store.find(subject))?.value;
      const proven = found?.state === 'active' ? found.membership : undefined;
      if (proven) memberships.set(key, proven, readAt);
      return proven;
    },
    async isActive(subject) {
      const key = subjectKey(subject);
      if (active.get(key)) return true;
      const readAt = clock();
      const isActive = (await store.find(subject))?.value.state === 'active';
      // Only what lives is remembered: who connects again is served at once, on every instance.
      if (isActive) active.set(key, {}, readAt);
      return isActive;
    },
    tokens: {
      get: (subject, target) => tokens.get(subjectKey(subject))?.get(targetKey(target)),
      set(subject, target, token) {
        const key = subjectKey(subject);
        tokens.set(key, new Map([...(tokens.get(key) ?? []), [targetKey(target), token]]));
      },
    },
  };
}

/**
 * Ended, dead, or taken over anew, after which tokens of the earlier enrolment are never served. A refresh takes nothing away: what was
 * issued before it lives on until its own end.
 */
function takesAway({ state, renewedAt, refreshedAt }: Connection): boolean {
  return state !== 'active' || renewedAt === refreshedAt;
}

function bytesOf(tokens: ReadonlyMap<string, LiveToken>): number {
  let bytes = 0;
  for (const [name, { accessToken }] of tokens) bytes += name.length + accessToken.length;
  return bytes;
}
