import type { AppCredential } from '../config.js';
import type { ClientLimits } from '../domain/client_limits.js';
import type { ClientSecret } from '../domain/client_secret.js';
import type { SubjectRule } from '../domain/membership.js';
import type { Scope } from '../domain/scope.js';

export type ResourcePolicy =
  | { readonly narrowing: 'minted'; readonly scope: Scope; readonly maxTokenSeconds: number }
  | ProviderResource;

/** A resource whose tokens are the provider's own. */
export interface ProviderResource {
  readonly narrowing: 'provider' | 'facade';
  readonly provider: string;
  readonly scope: Scope;
  readonly allowWider: boolean;
  /** Present where `narrowing` is `facade`. */
  readonly facade?: Facade;
}

/** A second app registration with a smaller consent of its own, which the broker acts as on behalf of the user. */
export interface Facade {
  readonly appId: string;
  /** When its secret ends, ms, where a setting says so. */
  readonly secretExpiresAt?: number;
  readonly credential: AppCredential;
  /** Scope of the facade's own API, as the provider writes it. */
  readonly scope: string;
  /** The API behind it, as the provider names it. */
  readonly resource: string;
}

export interface ClientPolicy {
  readonly clientId: string;
  readonly name: string;
  /** Any of them proves who it is; none where it has another way. */
  readonly secrets: readonly ClientSecret[];
  readonly entraAppId?: string;
  /** Public JWKs its assertions may be signed with. */
  readonly publicKeys?: readonly Readonly<Record<string, unknown>>[];
  /** Where it publishes them, instead. */
  readonly jwksUri?: string;
  /** Thumbprints (`x5t#S256`) of the certificates it may connect with as itself. */
  readonly certificates: readonly string[];
  /** Its tokens are bound to the certificate it connects with. */
  readonly certificateBoundTokens: boolean;
  /** Whether one assertion may be shown again while it lives. */
  readonly assertionReuse?: boolean;
  readonly resources: ReadonlyMap<string, Scope>;
  readonly maxGrantSeconds: number;
  /** Longest life of a token minted for it; undefined means as its resource allows. */
  readonly maxTokenSeconds?: number;
  /** Audiences of users' own tokens it may exchange; undefined means the broker's own. */
  readonly subjectAudiences?: readonly string[];
  /** Resources it is the server of. */
  readonly serves: readonly string[];
  /** Clients whose app token it may present as actor. */
  readonly actors: readonly string[];
  /** Where its users may be sent back to with an authorization code, compared to the letter. */
  readonly redirectUris: readonly string[];
  /** Grant types it may use; undefined means all. */
  readonly grantTypes?: readonly string[];
  /** Whom it may act for; undefined means everybody. */
  readonly subjects?: SubjectRule;
  /** How many tokens it may ask for; undefined means without limit. */
  readonly limits?: ClientLimits;
}

/** The policy in force. What it does not name is denied. */
export interface Policy {
  readonly resources: ReadonlyMap<string, ResourcePolicy>;
  readonly clients: ReadonlyMap<string, ClientPolicy>;
  /** Providers whose users are admitted on the platform's headers alone. */
  readonly admitOnHeaders: ReadonlySet<string>;
  /** SHA-256 of the document, so that an audit row can say under which policy it was decided. */
  readonly hash: string;
  /** What its author calls this state of it. */
  readonly revision?: string;
}
