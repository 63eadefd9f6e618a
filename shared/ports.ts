import type { AuditEvent, RefreshFailure } from './domain/audit_event.js';
import type { AuthorizationCode } from './domain/authorization_code.js';
import type { Budget } from './domain/budget.js';
import type { Connection, KeptToken, Target } from './domain/connection.js';
import type { Grant } from './domain/grant.js';
import type { ProviderFailure } from './domain/refresh_result.js';
import type { Scope } from './domain/scope.js';
import type { SealContext } from './domain/seal_context.js';
import type { Subject } from './domain/subject.js';

export type * from './ports/archive.js';
export type * from './ports/events.js';
export type * from './ports/guard.js';
export type * from './ports/trouble.js';
export type * from './ports/upkeep.js';

/** Milliseconds since the epoch. */
export type Clock = () => number;

export interface Random {
  uuid(): string;
  bytes(count: number): Uint8Array;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Structured log. Fields never hold a token, a secret or a header value. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A stored value with the etag that a later write must present. */
export interface Versioned<T> {
  readonly value: T;
  readonly etag: string;
  /** How long ago it was written, by the store's own clock, ms; where the store says so. */
  readonly ageMs?: number;
}

export interface Vault {
  seal(plaintext: string, context: SealContext): Promise<string>;
  /** All of sealing that can fail, done ahead: what is returned seals one value, and needs nothing that could be out of reach. */
  prepare(context: SealContext): Promise<(plaintext: string) => string>;
  /** @throws Unreadable when the value does not open under this context. Never returns the input. */
  open(sealed: string, context: SealContext): Promise<string>;
  /** Names the key that a sealed value needs. @throws Unreadable */
  keyOf(sealed: string): string;
  /** Seals and opens a canary; rejects when the key is out of reach. */
  check(): Promise<void>;
}

export interface KeptChanges {
  readonly keep?: readonly KeptToken[];
  readonly drop?: readonly Target[];
}

/** Connections and the provider tokens kept with them. A connection and its tokens change in one transaction. */
export interface ConnectionStore {
  find(subject: Subject): Promise<Versioned<Connection> | undefined>;
  /** False when there is a row already. */
  create(connection: Connection, changes?: KeptChanges): Promise<boolean>;
  /**
   * False when the etag has moved. The SDK may have retried a write of ours that was applied: compare the
   * connection's `lastAttemptId` or claim before believing that somebody else won.
   */
  replace(connection: Connection, etag: string, changes?: KeptChanges): Promise<boolean>;
  keptToken(subject: Subject, target: Target): Promise<KeptToken | undefined>;
  keptTokens(subject: Subject): Promise<readonly KeptToken[]>;
}

/** A provider token, opened. */
export interface LiveToken {
  readonly accessToken: string;
  readonly scope: Scope;
  /** ms */
  readonly obtainedAt: number;
  /** ms */
  readonly expiresAt: number;
}

/** Tokens handed out a moment ago; a write to the subject's connection forgets them. */
export interface RecentTokens {
  get(subject: Subject, target: Target): LiveToken | undefined;
  set(subject: Subject, target: Target, token: LiveToken): void;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Present when there is more. */
  readonly cursor?: string;
}

export interface PageRequest {
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string;
}

export interface GrantStore {
  find(grantId: string): Promise<Versioned<Grant> | undefined>;
  create(grant: Grant): Promise<void>;
  replace(grant: Grant, etag: string): Promise<boolean>;
  /** All of them, over or not. */
  ofSubject(subject: Subject): Promise<readonly Versioned<Grant>[]>;
  /** @throws Refusal `invalid_parameter` for a cursor this service did not give out */
  pageOfSubject(subject: Subject, page: PageRequest): Promise<Page<Grant>>;
  /** @throws Refusal `invalid_parameter` for a cursor this service did not give out */
  ofClient(clientId: string, page: PageRequest): Promise<Page<Grant>>;
}

export interface CodeStore {
  create(code: string, value: AuthorizationCode): Promise<void>;
  find(code: string): Promise<Versioned<AuthorizationCode> | undefined>;
  /**
   * Marks a code as used, as it was found: how it stands since, for whoever comes first, on whichever instance; undefined for everybody
   * else. The use is open until it is settled, and an open one may be taken over in the same way.
   */
  spend(
    code: string,
    found: Versioned<AuthorizationCode>,
    at: number,
  ): Promise<Versioned<AuthorizationCode> | undefined>;
  /** Closes a use for good. False when somebody else has taken it over. */
  settle(code: string, spent: Versioned<AuthorizationCode>): Promise<boolean>;
  /** Removes codes that nobody needs to know any more, a slice at a time; answers how many. */
  sweep(now: number, limit: number): Promise<number>;
}

/** What is to happen once, whoever comes upon it. */
export interface Once {
  /** True for whoever comes first with this key, on whichever instance. @param until ms; after that the key may be forgotten */
  first(key: string, until: number): Promise<boolean>;
}

/** Short-lived proofs that the broker itself showed or asked something; nothing of them is stored. */
export interface Tickets {
  issue(facts: readonly string[]): Promise<string>;
  /** Whether a ticket was given out for exactly these facts, and not long ago. */
  accepts(ticket: string, facts: readonly string[]): Promise<boolean>;
}

export interface LogQuery<F> {
  /** ms, inclusive */
  readonly from: number;
  /** ms, exclusive */
  readonly to: number;
  readonly limit: number;
  readonly cursor?: string;
  readonly match: Partial<F>;
}

export interface AuditMatch {
  readonly type: string;
  readonly subject: string;
  readonly clientId: string;
  readonly resource: string;
  readonly grantId: string;
}

export interface FailureMatch {
  readonly subject: string;
  readonly provider: string;
  readonly class: string;
  readonly resource: string;
  readonly clientId: string;
}

/** Append-only, read newest first. An append that resolves is durable. */
export interface EventLog<T, F> {
  append(item: T): Promise<void>;
  query(query: LogQuery<F>): Promise<Page<T>>;
}

export type AuditLog = EventLog<AuditEvent, AuditMatch>;
export type FailureLog = EventLog<RefreshFailure, FailureMatch>;

/** Access tokens of the broker's own that were revoked before their end, by `jti`. */
export interface RevokedTokens {
  add(id: string, expiresAt: number): Promise<void>;
  has(id: string, expiresAt: number): Promise<boolean>;
}

/** Ids that may be seen once (RFC 7519 `jti`). */
export interface ReplayStore {
  /**
   * True for whoever comes first. @throws the store's error: who cannot be sure refuses
   * @param until ms; after that the id may be forgotten, because what carries it has ended
   */
  use(issuer: string, id: string, until: number): Promise<boolean>;
}

export type Spend = { readonly ok: true } | { readonly ok: false /** ms */; readonly retryAt: number };

/** Rates over all instances together. */
export interface Budgets {
  /**
   * One spend, where the window still has room for it: in no window are there more than `limit`, however many instances spend and whatever
   * becomes of their writes. What an instance took and did not spend is lost with it, so under failures there may be fewer.
   * @throws Refusal `temporarily_unavailable` when storage cannot tell. A rate protects, it does not authorize: whoever asks decides
   */
  spend(budget: Budget): Promise<Spend>;
}

/** What using a credential brought: redeemed, exchanged, or found to be alive. */
export interface ProviderTokens {
  readonly accessToken: string;
  /** Seconds; clamped to a sane range. */
  readonly expiresIn: number;
  /** As policy spells it. */
  readonly scope: Scope;
  /** The successor of the credential that was used. */
  readonly refreshToken?: string;
  readonly idToken?: string;
  /** As the provider says it; undefined where it does not. */
  readonly tokenType?: string;
  /** Whose the credential is, where the provider was asked instead of giving an ID token. */
  readonly subject?: Subject;
  /** The end the provider has set for the credential, ms. */
  readonly credentialEndsAt?: number;
}

export type ProviderAnswer =
  | { readonly ok: true; readonly tokens: ProviderTokens }
  | { readonly ok: false; readonly failure: ProviderFailure };

export interface Provider {
  /**
   * One try, at the user's own tenant, and through the target's facade where it names one. Resolves with a failure for everything the
   * provider or the network did; rejects only for our own faults.
   */
  refresh(subject: Subject, credential: string, target: Target): Promise<ProviderAnswer>;
  /**
   * The first use of a credential somebody presents: also proves that it was issued to our own app registration. Resolves and rejects as
   * `refresh` does.
   */
  prove(subject: Subject, credential: string): Promise<ProviderAnswer>;
  /** Ends the credential at the provider, where there is a way. Never rejects for what the provider or the network did. */
  revoke(provider: string, credential: string): Promise<'revoked' | 'failed' | 'not_supported'>;
  /** Rejects when the provider's metadata cannot be had. */
  check(provider: string): Promise<void>;
}

export type * from './ports/sealed.js';
export type * from './ports/signing_keys.js';
export type * from './ports/tokens.js';
