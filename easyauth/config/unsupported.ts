import type { Issues } from './reader.js';
import type { Environment } from './settings.js';
import type { Tree } from './tree.js';

const notYet = 'is configured, but this gateway does not support it yet';
const providers = 'identityProviders';

/** A provider counts as configured once it is registered: an export of the portal lists all of them, enabled and empty. */
function registered(enabled: boolean | undefined, id: string | undefined): boolean {
  return enabled !== false && id !== undefined;
}

function checkProviders(tree: Tree, issues: Issues): void {
  const all = tree.identityProviders;
  const others: [string, boolean][] = [
    ['facebook', registered(all.facebook.enabled, all.facebook.registration.appId)],
    ['gitHub', registered(all.gitHub.enabled, all.gitHub.registration.clientId)],
    ['google', registered(all.google.enabled, all.google.registration.clientId)],
    ['twitter', registered(all.twitter.enabled, all.twitter.registration.consumerKey)],
    ['apple', registered(all.apple.enabled, all.apple.registration.clientId)],
    [
      'legacyMicrosoftAccount',
      registered(all.legacyMicrosoftAccount.enabled, all.legacyMicrosoftAccount.registration.clientId),
    ],
    [
      'azureStaticWebApps',
      registered(all.azureStaticWebApps.enabled, all.azureStaticWebApps.registration.clientId),
    ],
  ];
  for (const [name, used] of others) if (used) issues.problem(`${providers}.${name}`, notYet);
  for (const [name, custom] of all.customOpenIdConnectProviders)
    if (registered(custom.enabled, custom.registration.clientId))
      issues.problem(`${providers}.customOpenIdConnectProviders.${name}`, notYet);
}

function checkAad(tree: Tree, issues: Issues): void {
  const { registration, enabled } = tree.identityProviders.azureActiveDirectory;
  if (!registered(enabled, registration.clientId)) return;
  const path = `${providers}.azureActiveDirectory.registration`;
  if (registration.clientSecretCertificateThumbprint !== undefined)
    issues.problem(`${path}.clientSecretCertificateThumbprint`, notYet);
  if (registration.clientSecretCertificateSubjectAlternativeName !== undefined)
    issues.problem(`${path}.clientSecretCertificateSubjectAlternativeName`, notYet);
  if (registration.clientSecretSettingName === 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID')
    issues.problem(`${path}.clientSecretSettingName`, `managed identity instead of a secret ${notYet}`);
}

/** Refuses, by path, each configured feature whose behaviour is not there: ignoring it silently would weaken the app. */
export function checkSupported(tree: Tree, env: Environment, issues: Issues): void {
  checkProviders(tree, issues);
  checkAad(tree, issues);
  const blob = tree.login.tokenStore.azureBlobStorage;
  if (blob.blobContainerUri !== undefined)
    issues.problem('login.tokenStore.azureBlobStorage.blobContainerUri', notYet);
  if (tree.login.preserveUrlFragmentsForLogins === true)
    issues.problem('login.preserveUrlFragmentsForLogins', notYet);
  for (const name of ['WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES', 'WEBSITE_AUTH_CUSTOM_IDPS'])
    if (env[name] !== undefined && env[name] !== '') issues.problem(name, notYet);
}
