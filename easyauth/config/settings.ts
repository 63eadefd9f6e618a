import type { Compat } from './compat.js';
import type { ProviderSettings } from './provider_settings.js';
import type { UnauthenticatedAction } from './tree.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A secret and the app setting it came from. Only `reveal` gives the value, so it cannot slip into a log or a JSON. */
export interface Secret {
  readonly setting: string;
  reveal(): string;
}

/** The token endpoint of the app's managed identities, and the header that opens it. */
export interface IdentityEndpoint {
  readonly endpoint: string;
  readonly header: Secret;
}

/** A blob container reached by the app's managed identity: the system's own, unless `resourceId` names another. */
export interface IdentityContainer {
  readonly kind: 'identity';
  readonly uri: string;
  readonly identity: IdentityEndpoint;
  readonly resourceId: string | undefined;
}

export type TokenContainer = { readonly kind: 'sas'; readonly sas: Secret } | IdentityContainer;

/** How the app registration proves itself to Entra. `pem` holds the certificate, its private key and perhaps its issuers. */
export type AadCredential =
  | { readonly kind: 'secret'; readonly secret: Secret }
  | {
      readonly kind: 'certificate';
      readonly pem: Secret;
      /** Whether Entra trusts it by subject name and issuer, so that it must see the certificate itself. */
      readonly bySubject: boolean;
    }
  | { readonly kind: 'managed-identity'; readonly clientId: string; readonly identity: IdentityEndpoint };

export interface AadSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly credential: AadCredential | undefined;
  /** Parameters appended to the authorize request, by name. */
  readonly loginParameters: ReadonlyMap<string, string>;
  readonly challenge: boolean;
  readonly allowedAudiences: readonly string[];
  readonly allowedGroups: readonly string[];
  readonly allowedClientApplications: readonly string[];
  readonly allowedApplications: readonly string[];
  readonly allowedPrincipalGroups: readonly string[];
  readonly allowedIdentities: readonly string[];
  /** Tenants whose tokens are accepted; empty means the issuer alone decides. */
  readonly allowedTenants: readonly string[];
  readonly requireServicePrincipal: boolean;
}

export interface ProxySettings {
  readonly trusted: boolean;
  readonly hostHeader: string | undefined;
  readonly protoHeader: string | undefined;
}

export interface CookieSettings {
  readonly derivedFromProvider: boolean;
  readonly lifetimeMs: number;
}

/** What the gateway does, after defaults and checks. */
export interface Settings {
  readonly enabled: boolean;
  readonly runtimeVersion: string;
  readonly action: UnauthenticatedAction;
  readonly redirectTo: string | undefined;
  readonly excludedPaths: readonly string[];
  readonly requireHttps: boolean;
  readonly apiPrefix: string;
  readonly proxy: ProxySettings;
  readonly logoutEndpoint: string | undefined;
  readonly tokenStore: boolean;
  readonly tokenDirectory: string | undefined;
  /** The blob container that holds the tokens instead of a directory. */
  readonly tokenContainer: TokenContainer | undefined;
  /** How long after its last write a stored entry may be pruned; undefined keeps entries for ever. */
  readonly pruneAfterMs: number | undefined;
  readonly refreshExtensionMs: number;
  readonly allowedExternalRedirectUrls: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly cookie: CookieSettings;
  readonly validateNonce: boolean;
  readonly nonceLifetimeMs: number;
  readonly modernClaims: boolean;
  /** Whether the user id in session tokens stays the same when the user's name changes. */
  readonly sidStyle: Compat['sid'];
  readonly encryptionKeySetting: string;
  readonly signingKeySetting: string;
  readonly aad: AadSettings | undefined;
  /** The other registered providers. */
  readonly others: readonly ProviderSettings[];
  /** Whether a sign-in keeps the URL fragment of the page it started from. */
  readonly keepFragments: boolean;
  /** The scopes of the protected-resource metadata; undefined when none is published. */
  readonly resourceScopes: readonly string[] | undefined;
  readonly compat: Compat;
}
