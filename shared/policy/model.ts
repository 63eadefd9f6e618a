import type { Scope } from '../domain/scope.js';

export type ResourcePolicy =
  | { readonly narrowing: 'minted'; readonly scope: Scope; readonly maxTokenSeconds: number }
  | {
      readonly narrowing: 'provider';
      readonly provider: string;
      readonly scope: Scope;
      readonly allowWider: boolean;
    };

export interface ClientPolicy {
  readonly clientId: string;
  readonly name: string;
  readonly secret?: string;
  readonly entraAppId?: string;
  /** Public JWKs its assertions may be signed with. */
  readonly publicKeys?: readonly Readonly<Record<string, unknown>>[];
  /** Where it publishes them, instead. */
  readonly jwksUri?: string;
  readonly resources: ReadonlyMap<string, Scope>;
  readonly maxGrantSeconds: number;
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
}

/** The policy in force. What it does not name is denied. */
export interface Policy {
  readonly resources: ReadonlyMap<string, ResourcePolicy>;
  readonly clients: ReadonlyMap<string, ClientPolicy>;
  /** SHA-256 of the document, so that an audit row can say under which policy it was decided. */
  readonly hash: string;
  /** What its author calls this state of it. */
  readonly revision?: string;
}
