import type { Principal } from '../identity/principal.js';
import type { TokenEntry } from '../store/token_entry.js';

/** What a sign-in start needs to know. */
export interface LoginStart {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** Parameters of the login request that may go on to the provider; they win over the configured ones. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** What the gateway remembers of a sign-in start, in the browser's sealed cookie. */
export interface LoginMemory {
  /** The scope asked for, needed again when refreshing. */
  readonly scope: string | undefined;
  /** The state, of a provider that does not bring it back. */
  readonly state?: string | undefined;
  /** What the provider gave for the second half of the sign-in (OAuth 1.0a). */
  readonly secret?: string | undefined;
}

export interface LoginRedirect extends LoginMemory {
  readonly url: string;
  /** What the provider brings back to recall this sign-in by, where that is not the nonce. */
  readonly recallBy?: string | undefined;
}

export interface LoginReturn {
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  /** What was remembered under this nonce; undefined when it was not given to this browser, for another provider, or too long ago. */
  readonly recall: (nonce: unknown) => LoginMemory | undefined;
}

/** A user the provider vouches for, with the tokens it gave. */
export interface SignedIn {
  /** Key of the user in the token store: lower-case hexadecimal, never an e-mail address. */
  readonly user: string;
  readonly principal: Principal;
  readonly tokens: TokenEntry;
  readonly issuedAt: number | undefined;
}

export interface RefreshRequest {
  readonly user: string;
  readonly entry: TokenEntry;
  readonly refreshToken: string;
  /** The redirect address of a sign-in, which one provider wants to see again. */
  readonly redirectUri: string;
}

export interface Refreshed {
  /** Who the user is now, when the provider said so again. */
  readonly principal: Principal | undefined;
  readonly tokens: TokenEntry;
}

export interface BearerCaller {
  readonly user: string;
  readonly principal: Principal;
}

/**
 * One identity provider. Only what differs between providers is here; cookies, redirects, stores and locks are the gateway's.
 */
export interface Provider {
  /** The name in URLs and headers. */
  readonly alias: string;
  /** Other names under which a login URL reaches it. */
  readonly otherNames: readonly string[];
  /** Whether this provider ever gives refresh tokens that can be redeemed here. */
  readonly refreshes: boolean;
  /** Whether the nonce travels inside `state`, because no ID token carries it. */
  readonly nonceInState: boolean;
  /** The address to send the browser to. @throws ProviderError */
  loginUrl(start: LoginStart): Promise<LoginRedirect>;
  /** Checks what came back and redeems it. @throws LoginProtocolError, InvalidTokenError, ProviderError */
  completeLogin(answer: LoginReturn): Promise<SignedIn>;
  /** New tokens for an entry with a refresh token, which is kept when none comes back. @throws ProviderError, InvalidTokenError */
  refresh(request: RefreshRequest): Promise<Refreshed>;
  /** Who a bearer token speaks for; undefined when this provider's tokens are no bearer tokens. @throws InvalidTokenError, ProviderError */
  readonly authenticate: ((token: string) => Promise<BearerCaller>) | undefined;
  /**
   * Checks provider tokens a client obtained by itself (reference §5.4); undefined when the provider has no such sign-in.
   * @throws BadRequestError, InvalidTokenError, ProviderError
   */
  readonly acceptTokens: ((body: Readonly<Record<string, unknown>>) => Promise<SignedIn>) | undefined;
  /** Whether the authorization policy lets this caller in (reference §7.3). */
  admits(principal: Principal, via: 'session' | 'bearer'): boolean;
  /** Where to end the provider's own session, returning to `returnTo`; undefined when it has none to end. */
  logoutUrl(returnTo: string): Promise<string | undefined>;
  /** The `WWW-Authenticate` value of a 401, or undefined when switched off (reference §7.5). */
  challenge(host: string): string | undefined;
}
