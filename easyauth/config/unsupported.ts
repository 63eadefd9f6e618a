import type { Issues } from './reader.js';
import type { Environment } from './settings.js';
import type { Tree } from './tree.js';

/**
 * Refuses, by path, what cannot be there outside Azure or has no documented form: ignoring it silently would weaken the app. A
 * provider counts as configured once it is registered: an export of the portal lists all of them, enabled and empty.
 */
export function checkSupported(tree: Tree, env: Environment, issues: Issues): void {
  const { enabled, registration } = tree.identityProviders.azureStaticWebApps;
  if (enabled !== false && registration.clientId !== undefined)
    issues.problem(
      'identityProviders.azureStaticWebApps',
      'cannot work outside Azure: only the platform can vouch for requests of a linked Static Web App',
    );
  const idps = env.WEBSITE_AUTH_CUSTOM_IDPS;
  if (idps !== undefined && idps !== '')
    issues.problem('WEBSITE_AUTH_CUSTOM_IDPS', 'has no documented form: use customOpenIdConnectProviders');
}
