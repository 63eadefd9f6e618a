import type { Settings } from './settings.js';

const hour = 3_600_000;

function list(items: readonly string[]): string {
  return items.length === 0 ? '(none)' : items.join(', ');
}

function tokenStoreText({ tokenStore, tokenContainer, tokenDirectory, pruneAfterMs }: Settings): string {
  if (!tokenStore) return 'off: no X-MS-TOKEN-* headers, no /.auth/me, no refresh';
  const place =
    tokenContainer === undefined
      ? `in ${tokenDirectory ?? 'the state directory'}`
      : `in the blob container of ${tokenContainer.setting}`;
  const pruned = pruneAfterMs === undefined ? 'kept for ever' : `pruned after ${pruneAfterMs / hour} h`;
  return `on, ${place}; unused entries ${pruned}`;
}

function aadLines({ aad }: Settings): [string, string][] {
  if (aad === undefined) return [['provider', '(none)']];
  const parameters = [...aad.loginParameters].map(([name, value]) => `${name}=${value}`);
  return [
    ['provider', 'aad (Microsoft Entra ID)'],
    ['  issuer', aad.issuer],
    ['  client id', aad.clientId],
    [
      '  secret',
      aad.secret === undefined ? '(none: ID token only, no access token)' : `from ${aad.secret.setting}`,
    ],
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
    ...aadLines(settings),
    ...Object.entries(settings.compat).map(([name, value]): [string, string] => [`compat ${name}`, value]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
