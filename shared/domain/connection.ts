import { digest } from './digest.js';
import type { ProvenMembership } from './membership.js';
import type { Failure } from './refresh_result.js';
import type { Scope } from './scope.js';
import { type Subject, subjectKey } from './subject.js';

/** What happens at a provider to a refresh token that has been redeemed. */
export type Rotation = 'none' | 'replace-keep-old' | 'single-use';

export type ConnectionState = 'active' | 'dead' | 'ended';

/** What a connection holds: a refresh token, an access token that is itself kept alive, or a session of Easy Auth, which redeems by itself. */
export type CredentialKind = 'refresh_token' | 'access_token' | 'session';

/** The broker's sealed provider credential of one subject at one provider. All times in ms. */
export interface Connection {
  readonly subject: Subject;
  readonly state: ConnectionState;
  /** Changes with every take-over: tokens of an earlier enrolment are never served. */
  readonly enrolment: string;
  /** Grows by one with every stored refresh token; part of what the seal is bound to. */
  readonly generation: number;
  /** The credential, sealed: a refresh token unless `credentialKind` says otherwise. Absent once dead or ended. */
  readonly refreshToken?: string;
  /** What the credential is; a refresh token where absent. */
  readonly credentialKind?: CredentialKind;
  /** The end the provider has set for the credential, where it says so. */
  readonly credentialEndsAt?: number;
  /** The predecessor, sealed under `generation - 1`, kept while the provider still honours it. */
  readonly previous?: { readonly refreshToken: string; readonly until: number };
  /** What the newest ID token of the provider said of groups and roles. */
  readonly membership?: ProvenMembership;
  readonly createdAt: number;
  readonly renewedAt: number;
  readonly refreshedAt: number;
  readonly endedAt?: number;
  /** Who is refreshing now. How long it holds is counted from the write that made it, see {@link isClaimed}. */
  readonly claim?: {
    readonly attemptId: string /** What it had aged by when the row was last written for another reason. */;
    readonly agedMs?: number;
  };
  /** The attempt that wrote this generation: tells our own applied write from somebody else's. */
  readonly lastAttemptId?: string;
  /** When the timer should look at it; absent when nothing is to be kept fresh. */
  readonly dueAt?: number;
}

/** What is kept fresh: a token for one resource and scope, or (without resource) the bare credential. */
export interface Target {
  readonly resource?: string;
  readonly scope: Scope;
  /** App id of the facade that the token is obtained through: what another registration obtained is another token. */
  readonly facade?: string;
  /** A claims challenge the token answers: it is for whoever shows that challenge, and nobody else. */
  readonly claims?: string;
}

/** A provider token in the cache, or the standing failure to get one. All times in ms. */
export interface KeptToken {
  readonly subject: Subject;
  readonly target: Target;
  readonly enrolment: string;
  readonly generation: number;
  readonly token?: {
    /** Absent where only the proof of life is kept. */
    readonly sealed?: string;
    readonly scope: Scope;
    readonly obtainedAt: number;
    readonly expiresAt: number;
  };
  readonly failure?: Failure;
}

export interface FreshnessRules {
  /** Refresh when less than this is left, seconds. */
  readonly windowSeconds: number;
  /** How often a credential is proven alive when no provider token needs it, seconds. */
  readonly livenessSeconds: number;
}

export function targetKey({ claims, ...target }: Target): string {
  return claims === undefined ? plainKey(target) : digest('claims target', claims, plainKey(target));
}

function plainKey({ resource = '', scope, facade }: Target): string {
  return facade === undefined
    ? digest('target', resource, ...scope)
    : digest('facade target', facade, resource, ...scope);
}

/**
 * How long others keep off a claimed connection, ms: more than the provider call and the writes after it can take, and no more, because a
 * killed process leaves its claim behind. Where a spent token shown again can end everything, every time-out on the way is counted in
 * (start 5 s, two provider calls of 15 s, commit and rescue of 12 s each); elsewhere a second refresh at the same time only costs a call.
 */
export function claimMs(rotation: Rotation): number {
  return rotation === 'single-use' ? 75_000 : 30_000;
}

/**
 * Whether somebody's claim still holds. Age is what the store itself says: instances whose clocks are minutes apart agree on it. A claim
 * of unknown age holds.
 */
export function isClaimed(
  { value, ageMs }: { readonly value: Connection; readonly ageMs?: number },
  rotation: Rotation,
): boolean {
  return value.claim !== undefined && (value.claim.agedMs ?? 0) + (ageMs ?? 0) < claimMs(rotation);
}

const MOST_AGED_MS = 86_400_000;

/**
 * A connection as it is to be written for a reason that is no refresh. Every write makes its row young; without this a claim that a killed
 * process left would hold anew with each. It is not dropped, for it says where a successor may have been put aside.
 */
export function withAgedClaim({
  value,
  ageMs = 0,
}: {
  readonly value: Connection;
  readonly ageMs?: number;
}): Connection {
  if (!value.claim) return value;
  const agedMs = Math.round((value.claim.agedMs ?? 0) + Math.max(0, ageMs));
  return { ...value, claim: { ...value.claim, agedMs: Math.min(agedMs, MOST_AGED_MS) } };
}

/** The one death an enrolment can have, by the same name whoever comes upon it. */
export function deathOf({ subject, enrolment }: Connection): string {
  return digest('death', subjectKey(subject), enrolment);
}

/** The claim given back, and its attempt named as the last writer. */
export function unclaimed(connection: Connection): Connection {
  const { claim, ...rest } = connection;
  return claim ? { ...rest, lastAttemptId: claim.attemptId } : rest;
}

/** The predecessor while its time has not passed. */
export function livePrevious({ previous }: Connection, now: number): string | undefined {
  return previous && previous.until > now ? previous.refreshToken : undefined;
}

/** Whether a kept token may be served: of this enrolment, and alive for at least `minTtlSeconds` more. */
export function servable(
  kept: KeptToken | undefined,
  connection: Connection,
  need: { now: number; minTtlSeconds: number },
): (NonNullable<KeptToken['token']> & { readonly sealed: string }) | undefined {
  if (kept?.token?.sealed === undefined || kept.enrolment !== connection.enrolment) return undefined;
  const { token } = kept;
  const left = token.expiresAt - need.now;
  return left >= Math.max(1, need.minTtlSeconds) * 1000 ? { ...token, sealed: kept.token.sealed } : undefined;
}

/** Kept tokens a connection may have: with the connection itself they change in one transaction of at most 100 rows. */
export const MOST_KEPT = 60;

/**
 * Which kept tokens go when `keep` is written: those of an earlier enrolment, those over a day past their use, those a resource has turned
 * down (what answers its claims challenge takes their place), and beyond {@link MOST_KEPT} first those that answer challenges, whose number
 * is the client's choice, then the ones that end first. A client may ask for any part of its scopes, so without this they would grow without end.
 */
export function surplus(
  stored: readonly KeptToken[],
  keep: readonly KeptToken[],
  now: number,
): readonly Target[] {
  const staying = new Set(keep.map((kept) => targetKey(kept.target)));
  const enrolment = keep[0]?.enrolment;
  const others = stored.filter((kept) => !staying.has(targetKey(kept.target)));
  const turnedDown = new Set(keep.filter(answersChallenge).map((kept) => plainKey(kept.target)));
  const useful = others.filter(
    (kept) =>
      usefulUntil(kept) > now &&
      kept.enrolment === (enrolment ?? kept.enrolment) &&
      !turnedDown.has(targetKey(kept.target)),
  );
  const room = Math.max(0, MOST_KEPT - keep.length);
  const remaining = new Set([...useful].sort(byWorth).slice(0, room));
  return others.filter((kept) => !remaining.has(kept)).map((kept) => kept.target);
}

/** Worthier first. */
function byWorth(a: KeptToken, b: KeptToken): number {
  const challenged = Number(a.target.claims !== undefined) - Number(b.target.claims !== undefined);
  return challenged || usefulUntil(b) - usefulUntil(a);
}

function answersChallenge({ target, failure }: KeptToken): boolean {
  return target.claims !== undefined && failure === undefined;
}

const KEPT_AFTER_MS = 86_400_000;

/** A failure is remembered past its next attempt, or its count would start anew. */
function usefulUntil({ token, failure }: KeptToken): number {
  return Math.max(token?.expiresAt ?? 0, failure?.nextAttemptAt ?? failure?.at ?? 0) + KEPT_AFTER_MS;
}
