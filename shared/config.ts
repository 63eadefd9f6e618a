import { type OtherProvider, readOtherProviders } from './settings/providers.js';
import { type Environment, type Reader, readerOf, usedOf } from './settings/reader.js';
import { exactlyOne, readSpill, readTables, type TablesPlace } from './settings/storage.js';
import { isGuid, readTenants } from './settings/tenants.js';
import { readUpkeep, type UpkeepSettings } from './settings/upkeep.js';

export { type Environment, isSafeAddress } from './settings/reader.js';
export type { OtherProvider };

/** How an app registration proves itself to the provider. */
export type AppCredential =
  | { readonly secret: string }
  /** Client id of a user-assigned managed identity whose token the registration trusts (federated credential). */
  | { readonly managedIdentity: string };

export interface ProviderSettings {
  readonly name: string;
  readonly issuer: string;
  /** The tenant the issuer names; empty where there are several. */
  readonly tenant: string;
  /** Where users of several tenants sign in: the same for each of them. */
  readonly tenants?: readonly ProviderSettings[];
  /** Roles in its tokens are assigned by those who run this broker. */
  readonly rolesCount: boolean;
  /** The app registration of Easy Auth itself: only it can redeem the refresh tokens it was given. */
  readonly clientId: string;
  readonly credential: AppCredential;
  /** What an app token for this broker may carry as `aud`. */
  readonly audiences: readonly string[];
}

export interface Config extends UpkeepSettings {
  /** The broker's own issuer and public address, without a trailing slash. */
  readonly issuer: string;
  /** Easy Auth is on in front of this app (`WEBSITE_AUTH_ENABLED`). */
  readonly easyAuthOn: boolean;
  readonly policyFile: string;
  readonly tables: TablesPlace;
  /** The second place for refresh tokens that cannot be stored in the tables. */
  readonly spill: TablesPlace;
  readonly vault: { readonly keyFile: string } | { readonly keyId: string };
  readonly aad: ProviderSettings;
  /** The other providers that are on. */
  readonly others: readonly OtherProvider[];
  /** Where Easy Auth's own endpoints are, for connections that live through a session. */
  readonly easyAuthOrigin: string;
  /** How long after its `exp` an ID token still proves who signed in: the session's longest life. */
  readonly sessionMaxSeconds: number;
  /** How long after its end Easy Auth still renews a session. */
  readonly sessionGraceSeconds: number;
  /** The platform passes on the certificates clients connect with, and no caller's own word for one. */
  readonly clientCertificates: boolean;
  /** A DPoP proof without a nonce of ours is sent back for one. */
  readonly dpopNonceRequired: boolean;
}

/** Everything that is wrong with the settings or the policy, by name and never by value. */
export class ConfigRefused extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the configuration is refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigRefused';
    this.problems = problems;
  }
}

/**
 * Reads every setting once.
 * @throws ConfigRefused listing all problems together
 */
export function readConfig(env: Environment): Config {
  const problems: string[] = [];
  const read = readerOf(env, problems);
  const issuer = readIssuer(read, problems);
  const tables = readTables(env, read, problems);
  const config: Config = {
    issuer,
    easyAuthOn: isTrue(env.WEBSITE_AUTH_ENABLED),
    policyFile: env.BROKER_POLICY_FILE || 'policy.json',
    tables,
    spill: readSpill(env, read, problems) ?? tables,
    vault: readVault(env, read, problems),
    aad: readAad(env, read, problems),
    others: readOtherProviders(env, read, problems),
    easyAuthOrigin: readEasyAuthOrigin(env, read),
    sessionMaxSeconds: 3600 * read.number('BROKER_SESSION_MAX_HOURS', { least: 1, most: 720, preset: 8 }),
    sessionGraceSeconds:
      3600 * read.number('BROKER_SESSION_GRACE_HOURS', { least: 0, most: 720, preset: 72 }),
    clientCertificates: isTrue(env.BROKER_CLIENT_CERTIFICATES),
    dpopNonceRequired: isTrue(env.BROKER_DPOP_NONCE_REQUIRED),
    ...readUpkeep(env, read, problems),
  };
  if (problems.length > 0) throw new ConfigRefused(problems);
  return config;
}

/** RFC 8414 §2: an issuer has neither query nor fragment. */
function readIssuer(read: Reader, problems: string[]): string {
  const issuer = read.address('BROKER_ISSUER');
  if (/[?#]/.test(issuer)) problems.push('BROKER_ISSUER must have neither query nor fragment');
  return issuer.replace(/\/$/, '');
}

/** The site's own address is where its Easy Auth answers. */
function readEasyAuthOrigin(env: Environment, read: Reader): string {
  const name = env.BROKER_EASYAUTH_ORIGIN ? 'BROKER_EASYAUTH_ORIGIN' : 'BROKER_ISSUER';
  const address = name === 'BROKER_ISSUER' ? (env.BROKER_ISSUER ?? '') : read.address(name);
  return URL.canParse(address) ? new URL(address).origin : '';
}

function readVault(env: Environment, read: Reader, problems: string[]): Config['vault'] {
  const { BROKER_VAULT_KEY_FILE: keyFile, BROKER_VAULT_KEY_ID: keyId } = env;
  if (!exactlyOne(['BROKER_VAULT_KEY_FILE', 'BROKER_VAULT_KEY_ID'], env, problems)) return { keyFile: '' };
  if (keyFile) {
    // A key beside the data it protects is for one machine only.
    if (env.WEBSITE_SITE_NAME)
      problems.push('BROKER_VAULT_KEY_FILE is refused in Azure: use BROKER_VAULT_KEY_ID');
    return { keyFile };
  }
  return { keyId: keyId ? read.address('BROKER_VAULT_KEY_ID') : '' };
}

function readAad(env: Environment, read: Reader, problems: string[]): ProviderSettings {
  const names = ['BROKER_AAD_ISSUER', 'WEBSITE_AUTH_OPENID_ISSUER'] as const;
  const issuer = read.address(...names);
  const clientId = read.required('BROKER_AAD_CLIENT_ID', 'WEBSITE_AUTH_CLIENT_ID');
  const audiences = (env.BROKER_AUDIENCES ?? '').split(',').map((text) => text.trim());
  const named = audiences.filter((text) => text !== '');
  const common = {
    name: 'aad',
    clientId,
    credential: readAadCredential(env, read, problems),
    audiences: named.length > 0 ? named : [clientId, `api://${clientId}`],
  };
  return { ...common, ...readTenants({ issuer, name: usedOf(names, env), common, env }, problems) };
}

/** What the broker is given of its own goes before what Easy Auth is configured with. */
function readAadCredential(env: Environment, read: Reader, problems: string[]): AppCredential {
  const own = env.BROKER_AAD_FEDERATED_CLIENT_ID;
  if (own && env.BROKER_AAD_CLIENT_SECRET) {
    problems.push('BROKER_AAD_CLIENT_SECRET and BROKER_AAD_FEDERATED_CLIENT_ID must not both be set');
  }
  const secret = env.BROKER_AAD_CLIENT_SECRET || env.MICROSOFT_PROVIDER_AUTHENTICATION_SECRET;
  const managedIdentity = own || (secret ? undefined : env.OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID);
  if (!managedIdentity) {
    return { secret: read.required('BROKER_AAD_CLIENT_SECRET', 'MICROSOFT_PROVIDER_AUTHENTICATION_SECRET') };
  }
  if (!isGuid(managedIdentity.toLowerCase())) {
    const name = own ? 'BROKER_AAD_FEDERATED_CLIENT_ID' : 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID';
    problems.push(`${name} must be the client id of a managed identity`);
  }
  return { managedIdentity };
}

/** As the Functions host reads it: `true` in any case, or `1`. */
export function isTrue(value: string | undefined): boolean {
  return value === '1' || value?.toLowerCase() === 'true';
}
