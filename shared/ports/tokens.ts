import type { Actor } from '../domain/actor.js';
import type { Binding } from '../domain/binding.js';
import type { Membership } from '../domain/membership.js';
import type { Scope } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';

export interface IdTokenClaims {
  readonly subject: Subject;
  readonly roles: readonly string[];
  readonly membership: Membership;
  readonly name?: string;
}

export interface AppTokenClaims {
  readonly appId: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** ms */
  readonly expiresAt: number;
}

export interface MintRequest {
  readonly subject: Subject;
  readonly clientId: string;
  readonly resource: string;
  readonly scope: Scope;
  readonly lifetimeSeconds: number;
  readonly act: Actor;
  readonly mayAct?: unknown;
  readonly binding?: Binding;
}

/** An access token of the broker's own, verified. Times in ms. */
export interface OwnTokenClaims {
  readonly subject: Subject;
  readonly id: string;
  readonly clientId: string;
  readonly resource: string;
  readonly scope: Scope;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly act?: Actor;
  readonly mayAct?: unknown;
  readonly binding?: Binding;
}

/** A token that stands for its user in an exchange, verified. */
export interface SubjectTokenClaims {
  readonly subject: Subject;
  /** ms */
  readonly expiresAt: number;
  readonly act?: Actor;
  readonly mayAct?: unknown;
  readonly membership?: Membership;
  /** Present for a token of the broker's own: what it holds is the most that comes of it. */
  readonly own?: OwnTokenClaims;
}

export interface MintedToken {
  readonly token: string;
  readonly id: string;
  readonly expiresIn: number;
}

/** Proof of possession (RFC 9449). */
export interface DpopProofs {
  /**
   * The thumbprint of the key that the proof was signed with.
   * @throws Refusal `invalid_dpop_proof`, or `use_dpop_nonce` with the nonce to use
   */
  verify(proof: string, request: { readonly method: string; readonly uri: string }): Promise<Binding>;
  /** The nonce a client should use next. */
  nonce(): Promise<string>;
}

export interface VerifiedAssertion {
  readonly id: string;
  readonly expiresAt: number;
  readonly reusable: boolean;
}

export interface ClientSecrets {
  /**
   * Whether it is a secret of that client. A wrong one takes the same work whoever's it claims to be, a client that is not there included.
   * @throws Refusal `rate_limited` while too many secrets are being checked
   */
  matches(clientId: string, secret: string): Promise<boolean>;
}

/** Checking of what clients sign themselves (RFC 7523). */
export interface ClientAssertions {
  /** The client whose own assertion this claims to be; undefined when it is something else. Nothing is proven yet. */
  clientOf(token: string): string | undefined;
  /**
   * The assertion's id, and until when (ms) it must not be seen again, unless policy lets this client show it more than once.
   * @throws Refusal `invalid_client`
   */
  verify(clientId: string, token: string): Promise<VerifiedAssertion>;
}

/** Signing and checking of JSON Web Tokens. */
export interface Tokens {
  /**
   * @param lateSeconds how long after its `exp` the token still proves who signed in.
   * @throws Refusal `unauthenticated`
   */
  verifyIdToken(provider: string, token: string, lateSeconds: number): Promise<IdTokenClaims>;
  /**
   * The user named by an ID token that came straight from the provider's token endpoint, where TLS stands in for the signature
   * (OpenID Connect Core §3.1.3.7). Undefined when issuer or audience are not ours or no user is named.
   */
  subjectOf(provider: string, idToken: string): Subject | undefined;
  /** What such an ID token says of its user's groups and roles; undefined when it is not ours. */
  membershipOf(provider: string, idToken: string): Membership | undefined;
  /** An app-only access token for this broker. @throws Refusal `unauthenticated` */
  verifyAppToken(token: string): Promise<AppTokenClaims>;
  /**
   * A token that stands for its user: the user's own of the provider, for one of the audiences, or one of the broker's.
   * @throws Refusal `unauthenticated`
   */
  verifySubjectToken(request: {
    readonly token: string;
    readonly kind: 'access_token' | 'id_token' | 'jwt';
    readonly audiences: readonly string[];
  }): Promise<SubjectTokenClaims>;
  /** @throws Refusal `unauthenticated` for anything that is not a live access token of the broker's own */
  verifyOwnToken(token: string): Promise<OwnTokenClaims>;
  /** RFC 9068. */
  mint(request: MintRequest): Promise<MintedToken>;
  /** RFC 7517 key set; only public members. */
  publicKeys(): Promise<{ keys: readonly Readonly<Record<string, unknown>>[] }>;
}

export type { Binding };
