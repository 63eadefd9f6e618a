import type { ProviderSettings } from '../config.js';
import { type Environment, type Reader, readerOf } from './reader.js';

/** A provider beside Entra, as far as settings tell. */
export interface OtherProvider extends ProviderSettings {
  readonly kind: 'google' | 'facebook' | 'twitter' | 'github' | 'openid';
  readonly clientSecret: string;
  /** Where the provider's API is, for those without metadata. */
  readonly apiUrl: string;
  /** Hosts besides the issuer's own that its metadata may name. */
  readonly trustedOrigins: readonly string[];
  readonly rotation: 'none' | 'replace-keep-old' | 'single-use';
  /** The scopes Easy Auth asks for at sign-in: what a token that comes through Easy Auth holds. */
  readonly signInScopes: readonly string[];
}

type Read = { readonly env: Environment; readonly read: Reader; readonly problems: string[] };

/** Every provider that has a client id. */
export function readOtherProviders(
  env: Environment,
  read: Reader,
  problems: string[],
): readonly OtherProvider[] {
  const from = { env, read, problems };
  const social = [readGoogle(from), ...Object.values(APIS).map((api) => readApi(from, api))];
  return [...social.filter((one) => one !== undefined), ...readCustom(from)];
}

interface Preset {
  readonly name: 'google' | 'facebook' | 'twitter' | 'github';
  /** The setting that says where the provider is, when it is not at its public address. */
  readonly address: string;
  readonly url: string;
}

/** Who vouches for the users of a provider without ID tokens. */
const AUTHORITIES = {
  facebook: 'https://www.facebook.com',
  twitter: 'https://twitter.com',
  github: 'https://github.com',
} as const;

const APIS = {
  facebook: {
    name: 'facebook',
    address: 'BROKER_FACEBOOK_GRAPH_URL',
    url: 'https://graph.facebook.com/v23.0',
  },
  twitter: { name: 'twitter', address: 'BROKER_TWITTER_API_URL', url: 'https://api.twitter.com' },
  github: { name: 'github', address: 'BROKER_GITHUB_API_URL', url: 'https://api.github.com' },
} as const satisfies Record<string, Preset>;

const GOOGLE: Preset = {
  name: 'google',
  address: 'BROKER_GOOGLE_ISSUER',
  url: 'https://accounts.google.com',
};
const GOOGLE_ORIGINS = ['https://oauth2.googleapis.com', 'https://www.googleapis.com'];

/** Roles in the ID tokens of these providers are nothing that an administrator of this app has assigned. */
const NOTHING = {
  rolesCount: false,
  tenant: '',
  audiences: [],
  signInScopes: [],
  trustedOrigins: [],
  apiUrl: '',
};

function readGoogle(from: Read): OtherProvider | undefined {
  const app = readApp(from, GOOGLE);
  if (!app) return undefined;
  const trustedOrigins =
    app.url === GOOGLE.url ? [...GOOGLE_ORIGINS, 'https://openidconnect.googleapis.com'] : [];
  const { url: issuer, ...credentials } = app;
  return {
    ...NOTHING,
    ...credentials,
    kind: 'google',
    rotation: 'none',
    issuer,
    tenant: issuer,
    trustedOrigins,
  };
}

function readApi(from: Read, preset: Preset & { name: keyof typeof APIS }): OtherProvider | undefined {
  const app = readApp(from, preset);
  if (!app) return undefined;
  const { url: apiUrl, ...credentials } = app;
  // The version in the address may change, and users must stay who they are; another host is another authority.
  const own = URL.canParse(apiUrl) && new URL(apiUrl).origin === new URL(preset.url).origin;
  const issuer = own ? AUTHORITIES[preset.name] : apiUrl;
  return { ...NOTHING, ...credentials, kind: preset.name, rotation: 'none', issuer, tenant: issuer, apiUrl };
}

/** On with a client id; off without one, and then nothing else may be set for it. */
function readApp({ env, read, problems }: Read, { name, address, url }: Preset) {
  const prefix = name.toUpperCase();
  const idName = `BROKER_${prefix}_CLIENT_ID`;
  const secretName = `BROKER_${prefix}_CLIENT_SECRET`;
  const clientId = env[idName];
  if (!clientId) {
    if (env[secretName] || env[address])
      problems.push(`${idName} is missing, though the provider is configured`);
    return undefined;
  }
  const clientSecret = read.required(secretName, `${prefix}_PROVIDER_AUTHENTICATION_SECRET`);
  return {
    name,
    clientId,
    clientSecret,
    credential: { secret: clientSecret },
    url: env[address] ? read.address(address).replace(/\/$/, '') : url,
  };
}

const CUSTOM_NAME = /^[a-z][a-z0-9_]{0,49}$/;
const RESERVED = new Set([
  'aad',
  'google',
  'facebook',
  'twitter',
  'x',
  'github',
  'apple',
  'microsoftaccount',
]);
const ROTATIONS = ['none', 'replace-keep-old', 'single-use'] as const;

function readCustom(from: Read): readonly OtherProvider[] {
  const { env, problems } = from;
  const names = words(env.BROKER_OIDC_PROVIDERS, ',').map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) problems.push('BROKER_OIDC_PROVIDERS names a provider twice');
  return [...new Set(names)].flatMap((name) => {
    if (CUSTOM_NAME.test(name) && !RESERVED.has(name)) return [readOpenId(from, name)];
    problems.push(
      'BROKER_OIDC_PROVIDERS must list names of custom providers: letters, digits and _, none of the built-in ones',
    );
    return [];
  });
}

function readOpenId({ env, read, problems }: Read, name: string): OtherProvider {
  const prefix = `BROKER_OIDC_${name.toUpperCase()}`;
  const rotation = ROTATIONS.find((one) => one === (env[`${prefix}_ROTATION`] || 'single-use'));
  if (!rotation) problems.push(`${prefix}_ROTATION must be one of ${ROTATIONS.join(', ')}`);
  const issuer = read.address(`${prefix}_ISSUER`);
  // Where Easy Auth alone redeems, the secret is Easy Auth's alone.
  const needsSecret = rotation === 'none' || rotation === 'replace-keep-old';
  const clientSecret = needsSecret ? read.required(`${prefix}_CLIENT_SECRET`) : '';
  return {
    ...NOTHING,
    name,
    kind: 'openid',
    issuer,
    tenant: issuer,
    clientId: read.required(`${prefix}_CLIENT_ID`),
    clientSecret,
    credential: { secret: clientSecret },
    rotation: rotation ?? 'single-use',
    signInScopes: words(env[`${prefix}_SIGN_IN_SCOPES`], ' '),
    trustedOrigins: readOrigins(`${prefix}_TRUSTED_ORIGINS`, env, problems),
  };
}

function readOrigins(name: string, env: Environment, problems: string[]): readonly string[] {
  return words(env[name], ',').map((text) => {
    const origin = readerOf({ [name]: text }, problems).address(name);
    return URL.canParse(origin) ? new URL(origin).origin : '';
  });
}

function words(text: string | undefined, separator: string): readonly string[] {
  return (text ?? '')
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
