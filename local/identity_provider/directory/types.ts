import type { SocialDirectory } from './social.js';

/** One organisation. `domain` may stand for `tid` in paths. */
export type Tenant = Readonly<{ tid: string; domain: string; name: string }>;

export type User = Readonly<{
  name: string;
  upn: string;
  email?: string;
  oid: string;
  tid: string;
  /** App roles by the app id of the app that exposes them. */
  roles?: Readonly<Record<string, readonly string[]>>;
  groups?: readonly string[];
}>;

/** A client secret, or one with the ISO 8601 time from which it is refused (AADSTS7000222). */
export type Secret = string | Readonly<{ value: string; expires?: string }>;
export type PublicKeyJwk = Readonly<{
  kty: 'RSA';
  n: string;
  e: string;
  kid?: string;
  x5t?: string;
  'x5t#S256'?: string;
}>;
export type Consent = Readonly<{ resource: string; scopes: readonly string[] }>;

/** An app registration: a client, a resource, or both. */
export type App = Readonly<{
  app_id: string;
  name: string;
  tid: string;
  /** Usable from every tenant and from `common` and `organizations`. */
  multi_tenant?: boolean;
  secrets: readonly Secret[];
  /** Public keys of certificates for `private_key_jwt`. */
  keys?: readonly PublicKeyJwk[];
  /** Managed identities whose token stands for this app's secret. */
  federated_credentials?: readonly Readonly<{ managed_identity: string }>[];
  redirect_uris: readonly string[];
  logout_uris?: readonly string[];
  app_id_uri?: string;
  scopes?: readonly string[];
  roles?: readonly string[];
  /** Version of access tokens made for this app as a resource; 1 when not given, as at Entra. */
  token_version?: 1 | 2;
  /** Adds `idtyp: app` to app tokens made for this app as a resource. */
  idtyp?: boolean;
  /** App roles this app holds, by the resource's app id. */
  app_role_grants?: Readonly<Record<string, readonly string[]>>;
  /** Admin consent, good for every user of the tenant. */
  consents?: readonly Consent[];
  /** App ids of clients that need no consent for any scope of this resource. */
  pre_authorized?: readonly string[];
}>;

export type ManagedIdentity = Readonly<{
  client_id: string;
  name: string;
  tid: string;
  /** Answers managed-identity requests that name no client id. At most one. */
  system_assigned?: boolean;
  app_role_grants?: Readonly<Record<string, readonly string[]>>;
}>;

/** The directory file as written. */
export type DirectoryFile = Readonly<{
  /** App ID URI that scopes without a prefix belong to. */
  default_resource: string;
  tenants: readonly Tenant[];
  users: readonly User[];
  apps: readonly App[];
  managed_identities?: readonly ManagedIdentity[];
  /** Accounts and apps at the personalities beside Entra. */
  social?: SocialDirectory;
}>;
