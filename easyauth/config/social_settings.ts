import type { ProviderSettings } from './provider_settings.js';
import type { Issues } from './reader.js';
import type { Environment, Secret } from './settings.js';
import type { Tree } from './tree.js';
import { readSecret, secureUrlFault } from './values.js';

const root = 'identityProviders';

interface Source {
  readonly env: Environment;
  readonly issues: Issues;
}

/** Where a provider is, from `EASYAUTH_<NAME>_BASE_URL` or its public address. */
function baseUrl({ env, issues }: Source, name: string, publicUrl: string): string {
  const setting = `EASYAUTH_${name}_BASE_URL`;
  const value = env[setting];
  if (value === undefined || value === '') return publicUrl;
  const fault = secureUrlFault(value);
  if (fault !== undefined) issues.problem(setting, fault);
  return value.replace(/\/+$/, '');
}

interface Registered {
  readonly id: string;
  readonly secret: Secret;
}

interface Registration {
  readonly enabled: boolean | undefined;
  readonly id: string | undefined;
  readonly secretName: string | undefined;
  /** The provider's path and its secret's member, for messages. */
  readonly path: string;
  readonly member: string;
}

/** A provider counts as configured once it is registered: an export of the portal lists all of them, enabled and empty. */
function registered({ env, issues }: Source, registration: Registration): Registered | undefined {
  const { enabled, id, secretName: name, path, member } = registration;
  if (enabled === false || id === undefined) return undefined;
  const at = `${root}.${path}.registration.${member}`;
  if (name === undefined) issues.problem(at, 'is missing');
  const secret = readSecret({ name, path: at, env, issues });
  return secret === undefined ? undefined : { id, secret };
}

/** Google, GitHub, Apple and the old Microsoft account register alike. */
function plain(tree: Tree, source: Source, name: 'google' | 'gitHub' | 'apple' | 'legacyMicrosoftAccount') {
  const { enabled, registration, login } = tree.identityProviders[name];
  const found = registered(source, {
    enabled,
    id: registration.clientId,
    secretName: registration.clientSecretSettingName,
    path: name,
    member: 'clientSecretSettingName',
  });
  return found === undefined ? undefined : { clientId: found.id, secret: found.secret, scopes: login.scopes };
}

function facebook(tree: Tree, source: Source): ProviderSettings | undefined {
  const { enabled, registration, login, graphApiVersion } = tree.identityProviders.facebook;
  const found = registered(source, {
    enabled,
    id: registration.appId,
    secretName: registration.appSecretSettingName,
    path: 'facebook',
    member: 'appSecretSettingName',
  });
  if (found === undefined) return undefined;
  const graphVersion = graphApiVersion ?? 'v3.3';
  if (!/^v\d{1,3}\.\d{1,3}$/.test(graphVersion))
    source.issues.problem(`${root}.facebook.graphApiVersion`, 'must look like v3.3');
  return {
    kind: 'facebook',
    clientId: found.id,
    secret: found.secret,
    scopes: login.scopes.length === 0 ? ['public_profile', 'email'] : login.scopes,
    dialogUrl: baseUrl(source, 'FACEBOOK', 'https://www.facebook.com'),
    graphUrl: baseUrl(source, 'FACEBOOK', 'https://graph.facebook.com'),
    graphVersion,
  };
}

function twitter(tree: Tree, source: Source): ProviderSettings | undefined {
  const { enabled, registration } = tree.identityProviders.twitter;
  const found = registered(source, {
    enabled,
    id: registration.consumerKey,
    secretName: registration.consumerSecretSettingName,
    path: 'twitter',
    member: 'consumerSecretSettingName',
  });
  if (found === undefined) return undefined;
  const base = baseUrl(source, 'TWITTER', 'https://api.twitter.com');
  return { kind: 'twitter', consumerKey: found.id, secret: found.secret, baseUrl: base };
}

function microsoftAccount(tree: Tree, source: Source): ProviderSettings | undefined {
  const found = plain(tree, source, 'legacyMicrosoftAccount');
  if (found === undefined) return undefined;
  return {
    kind: 'microsoftaccount',
    ...found,
    scopes: found.scopes.length === 0 ? ['wl.basic', 'wl.emails'] : found.scopes,
    baseUrl: baseUrl(source, 'MICROSOFTACCOUNT', 'https://login.live.com'),
    apiUrl: baseUrl(source, 'MICROSOFTACCOUNT', 'https://apis.live.net'),
    allowedAudiences: tree.identityProviders.legacyMicrosoftAccount.validation.allowedAudiences,
  };
}

/** Google, Facebook, X, GitHub, Apple and the old Microsoft account, as far as they are registered (reference §8). */
export function readSocial(tree: Tree, env: Environment, issues: Issues): readonly ProviderSettings[] {
  const source = { env, issues };
  const all: (ProviderSettings | undefined)[] = [];
  const google = plain(tree, source, 'google');
  if (google !== undefined)
    all.push({
      kind: 'google',
      ...google,
      scopes: google.scopes.length === 0 ? ['openid', 'profile', 'email'] : google.scopes,
      baseUrl: baseUrl(source, 'GOOGLE', 'https://accounts.google.com'),
      allowedAudiences: tree.identityProviders.google.validation.allowedAudiences,
    });
  all.push(facebook(tree, source), twitter(tree, source));
  const github = plain(tree, source, 'gitHub');
  if (github !== undefined)
    all.push({
      kind: 'github',
      ...github,
      baseUrl: baseUrl(source, 'GITHUB', 'https://github.com'),
      apiUrl: baseUrl(source, 'GITHUB', 'https://api.github.com'),
    });
  const apple = plain(tree, source, 'apple');
  if (apple !== undefined)
    all.push({
      kind: 'apple',
      ...apple,
      scopes: apple.scopes.length === 0 ? ['name', 'email'] : apple.scopes,
      baseUrl: baseUrl(source, 'APPLE', 'https://appleid.apple.com'),
    });
  all.push(microsoftAccount(tree, source));
  return all.filter((one) => one !== undefined);
}
