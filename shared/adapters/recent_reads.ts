import { targetKey } from '../domain/connection.js';
import type { Grant } from '../domain/grant.js';
import type { Membership } from '../domain/membership.js';
import { type Subject, subjectKey } from '../domain/subject.js';
import type { Clock, ConnectionStore, GrantStore, LiveToken, RecentTokens, Versioned } from '../ports.js';
import { createRecent } from './recent.js';

/**
 * How long what was read may be served again without reading. An end made on another instance is seen here within this time; one made here
 * is seen at once.
 */
export const RECENT_MS = 4000;
const MOST = 20_000;

/** Grants by id as read a moment ago. Only grants that exist are remembered: one that was just made is found at once. */
export function withRecentGrants(store: GrantStore, clock: Clock): GrantStore {
  const recent = createRecent<Versioned<Grant>>(clock, { maxAgeMs: RECENT_MS, max: MOST });
  return {
    ...store,
    async find(grantId) {
      const known = recent.get(grantId);
      if (known) return known;
      const found = await store.find(grantId);
      if (found) recent.set(grantId, found);
      return found;
    },
    async replace(grant, etag) {
      recent.delete(grant.grantId);
      const applied = await store.replace(grant, etag);
      recent.delete(grant.grantId);
      return applied;
    },
  };
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

export function createRecentConnections(store: ConnectionStore, clock: Clock): RecentConnections {
  const options = { maxAgeMs: RECENT_MS, max: MOST };
  const tokens = createRecent<Map<string, LiveToken>>(clock, options);
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
      replace: (connection, etag, changes) =>
        forgetting(connection.subject, () => store.replace(connection, etag, changes)),
    },
    async membershipOf(subject) {
      const key = subjectKey(subject);
      const known = memberships.get(key);
      if (known) return known;
      const found = (await store.find(subject))?.value;
      const proven = found?.state === 'active' ? found.membership : undefined;
      if (proven) memberships.set(key, proven);
      return proven;
    },
    async isActive(subject) {
      const key = subjectKey(subject);
      if (active.get(key)) return true;
      const isActive = (await store.find(subject))?.value.state === 'active';
      // Only what lives is remembered: who connects again is served at once, on every instance.
      if (isActive) active.set(key, {});
      return isActive;
    },
    tokens: {
      get: (subject, target) => tokens.get(subjectKey(subject))?.get(targetKey(target)),
      set(subject, target, token) {
        const known = tokens.get(subjectKey(subject));
        if (known) known.set(targetKey(target), token);
        else tokens.set(subjectKey(subject), new Map([[targetKey(target), token]]));
      },
    },
  };
}
