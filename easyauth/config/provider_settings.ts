import type { Secret } from './settings.js';

/** An OpenID Connect or OAuth 2.0 registration with a secret. */
interface Registration {
  readonly clientId: string;
  readonly secret: Secret;
  readonly scopes: readonly string[];
}

export interface GoogleSettings extends Registration {
  readonly kind: 'google';
  readonly baseUrl: string;
  readonly allowedAudiences: readonly string[];
}

export interface AppleSettings extends Registration {
  readonly kind: 'apple';
  readonly baseUrl: string;
}

export interface FacebookSettings extends Registration {
  readonly kind: 'facebook';
  /** Where the dialog is, and where the Graph API is. */
  readonly dialogUrl: string;
  readonly graphUrl: string;
  /** `v3.3` and the like. */
  readonly graphVersion: string;
}

export interface GitHubSettings extends Registration {
  readonly kind: 'github';
  readonly baseUrl: string;
  readonly apiUrl: string;
}

/** The old Microsoft account (Live Connect). */
export interface MicrosoftAccountSettings extends Registration {
  readonly kind: 'microsoftaccount';
  readonly baseUrl: string;
  readonly apiUrl: string;
  /** Further client ids whose authentication tokens are accepted. */
  readonly allowedAudiences: readonly string[];
}

/** X, by OAuth 1.0a. */
export interface TwitterSettings {
  readonly kind: 'twitter';
  readonly consumerKey: string;
  readonly secret: Secret;
  readonly baseUrl: string;
}

/** Where a custom provider is: its discovery document, or what it would say. */
export type CustomEndpoints =
  | { readonly wellKnown: string }
  | {
      readonly wellKnown?: undefined;
      readonly issuer: string;
      readonly authorizationEndpoint: string;
      readonly tokenEndpoint: string;
      readonly certificationUri: string;
    };

export interface CustomSettings extends Registration {
  readonly kind: 'custom';
  readonly name: string;
  readonly endpoints: CustomEndpoints;
  readonly nameClaimType: string | undefined;
  readonly loginParameters: ReadonlyMap<string, string>;
}

/** A registered provider other than Entra. */
export type ProviderSettings =
  | GoogleSettings
  | AppleSettings
  | FacebookSettings
  | GitHubSettings
  | TwitterSettings
  | MicrosoftAccountSettings
  | CustomSettings;

/** The name of a provider in URLs and headers. */
export function aliasOf(provider: ProviderSettings): string {
  return provider.kind === 'custom' ? provider.name : provider.kind;
}

/** Further names that reach a provider, by alias. */
export const otherNames: Readonly<Record<string, readonly string[]>> = {
  aad: ['azureactivedirectory', 'microsoft'],
  twitter: ['x'],
};

/** Names no custom provider may have: built-in providers and the other routes under `login/`. */
export const reservedNames = new Set([
  'aad',
  'azureactivedirectory',
  'microsoft',
  'microsoftaccount',
  'google',
  'facebook',
  'github',
  'apple',
  'twitter',
  'x',
  'done',
  'iframereceiver',
]);
