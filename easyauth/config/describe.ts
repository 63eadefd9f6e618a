import { aliasOf, type ProviderSettings } from './provider_settings.js';
import type { AadCredential, Settings } from './settings.js';

const hour = 3_600_000;

function list(items: readonly string[]): string {
  return items.length === 0 ? '(none)' : items.join(', ');
}

function containerText(container: Settings['tokenContainer']): string | undefined {
  if (container?.kind === 'identity') return `in the blob container ${container.uri}, by managed identity`;
  return container === undefined ? undefined : `in the blob container of ${container.sas.setting}`;
}

function tokenStoreText({ tokenStore, tokenContainer, tokenDirectory, pruneAfterMs }: Settings): string {
  if (!tokenStore) return 'off: no X-MS-TOKEN-* headers, no /.auth/me, no refresh';
  const place = containerText(tokenContainer) ?? `in ${tokenDirectory ?? 'the state directory'}`;
  const pruned = pruneAfterMs === undefined ? 'kept for ever' : `pruned after ${pruneAfterMs / hour} h`;
  return `on, ${place}; unused entries ${pruned}`;
}

function credentialText(credential: AadCredential | undefined): string {
  switch (credential?.kind) {
    case undefined:
      return '(none: ID token only, no access token)';
    case 'secret':
      return `from ${credential.secret.setting}`;
    case 'certificate':
      return `certificate from ${credential.pem.setting}`;
    case 'managed-identity':
      return 'a token of the managed identity';
  }
}

function placeOf(provider: ProviderSettings): string {
  if (provider.kind === 'facebook') return `${provider.graphUrl}, ${provider.graphVersion}`;
  if (provider.kind !== 'custom') return provider.baseUrl;
  const { endpoints } = provider;
  return endpoints.wellKnown ?? endpoints.issuer;
}

function otherLines({ others }: Settings): [string, string][] {
  return others.flatMap((provider): [string, string][] => [
    ['provider', aliasOf(provider)],
    ['  at', placeOf(provider)],
    ['  client id', provider.kind === 'twitter' ? provider.consumerKey : provider.clientId],
    ['  secret', `from ${provider.secret.setting}`],
    ...(provider.kind === 'twitter' ? [] : [['  scopes', list(provider.scopes)] satisfies [string, string]]),
  ]);
}

function aadLines({ aad }: Settings): [string, string][] {
  if (aad === undefined) return [];
  const parameters = [...aad.loginParameters].map(([name, value]) => `${name}=${value}`);
  return [
    ['provider', 'aad (Microsoft Entra ID)'],
    ['  issuer', aad.issuer],
    ['  client id', aad.clientId],
    ['  secret', credentialText(aad.credential)],
    ['  login parameters', list(parameters)],
    ['  allowed audiences', list([aad.clientId, ...aad.allowedAudiences])],
    ['  allowed applications', list(aad.allowedApplications)],
    ['  allowed client applications', list(aad.allowedClientApplications)],
    ['  allowed identities', list(aad.allowedIdentities)],
    ['  allowed groups', list([...aad.allowedGroups, ...aad.allowedPrincipalGroups])],
    ['  allowed tenants', list(aad.allowedTenants)],
    ['  401 challenge', aad.challenge ? 'yes' : 'no'],
  ];
}

/** What the gateway understood, as lines of name and value. Never a secret: only the setting it comes from. */
export function describeSettings(settings: Settings): string {
  const rows: [string, string][] = [
    ['enabled', settings.enabled ? 'yes' : 'no: every request passes without authentication'],
    ['unauthenticated requests', settings.action],
    ['excluded paths', list(settings.excludedPaths)],
    ['https required', settings.requireHttps ? 'yes' : 'no'],
    ['routes under', settings.apiPrefix],
    ['sign-out path of the app', settings.logoutEndpoint ?? '(none)'],
    ['forwarded headers trusted', settings.proxy.trusted ? 'yes' : 'no'],
    ['allowed redirect targets', list(settings.allowedExternalRedirectUrls)],
    [
      'session',
      settings.cookie.derivedFromProvider
        ? 'as long as the provider says'
        : `${settings.cookie.lifetimeMs / hour} h`,
    ],
    ['token store', tokenStoreText(settings)],
    ['refresh extension', `${settings.refreshExtensionMs / hour} h`],
    ['nonce', settings.validateNonce ? `checked, lives ${settings.nonceLifetimeMs / 1000} s` : 'NOT checked'],
    ['protected-resource metadata', list(settings.resourceScopes ?? [])],
    ['URL fragments', settings.keepFragments ? 'kept over a sign-in' : 'lost at a sign-in'],
    ...(settings.aad === undefined && settings.others.length === 0
      ? [['provider', '(none)'] satisfies [string, string]]
      : []),
    ...aadLines(settings),
    ...otherLines(settings),
    ...Object.entries(settings.compat).map(([name, value]): [string, string] => [`compat ${name}`, value]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
