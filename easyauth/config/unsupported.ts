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
  const { legacyMicrosoftAccount: live, azureStaticWebApps: pages } = tree.identityProviders;
  if (registered(live.enabled, live.registration.clientId))
    issues.problem(`${providers}.legacyMicrosoftAccount`, notYet);
  if (registered(pages.enabled, pages.registration.clientId))
    issues.problem(`${providers}.azureStaticWebApps`, notYet);
}

/** Refuses, by path, each configured feature whose behaviour is not there: ignoring it silently would weaken the app. */
export function checkSupported(tree: Tree, env: Environment, issues: Issues): void {
  checkProviders(tree, issues);
  const idps = env.WEBSITE_AUTH_CUSTOM_IDPS;
  if (idps !== undefined && idps !== '')
    issues.problem('WEBSITE_AUTH_CUSTOM_IDPS', 'has no documented form: use customOpenIdConnectProviders');
}
