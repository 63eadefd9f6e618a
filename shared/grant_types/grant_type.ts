import type { Held } from '../domain/narrowing.js';
import type { ClientPolicy } from '../policy.js';
import type { Binding } from '../ports.js';

/** The parameters of a token request, each at most once and never empty (RFC 6749 §3.2). */
export type TokenParameters = ReadonlyMap<string, string>;

/** What comes with a token request beside its parameters. */
export interface Presenting {
  /** The key and the certificate the request proves to hold, where it does. */
  readonly binding: Binding | undefined;
  readonly correlationId: string;
}

/** What a request holds, and what becomes of what it presented. */
export interface Presented extends Held {
  /**
   * Uses up what was presented. Called once a token is ready, so that a request that fails for another reason loses nothing.
   * @returns what closes the use, once the token is on record; until then the same may be presented again
   * @throws Refusal, as does what it returns, when somebody else was first: the token must not leave
   */
  readonly spend?: () => Promise<() => Promise<void>>;
  /** What the client is given for later, beside the access token. */
  readonly refreshToken?: string;
}

/**
 * One OAuth grant type: turns what a request presents into what its bearer holds. It decides; narrowing, issuing and the audit are the
 * endpoint's, so that no grant type can forget them.
 */
export interface GrantType {
  readonly name: string;
  /** What is presented names its resource, so `resource` may be left out (RFC 8707 §2.2). */
  readonly namesResource?: true;
  /** @throws Refusal with the codes this grant type's specification gives */
  held(parameters: TokenParameters, client: ClientPolicy, presenting: Presenting): Promise<Presented>;
}
