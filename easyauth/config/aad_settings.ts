import { readAadCredential } from './aad_credential.js';
import { listOf } from './environment.js';
import { readLoginParameters } from './login_parameters.js';
import type { Issues } from './reader.js';
import type { AadSettings, Environment } from './settings.js';
import type { Tree } from './tree.js';
import { secureUrlFault } from './values.js';

const root = 'identityProviders.azureActiveDirectory';

/** The V1 text form of the claim checks: `{"allowed_groups":[…],"allowed_client_applications":[…]}`. */
function claimsAuthorization(env: Environment, issues: Issues): { groups: string[]; apps: string[] } {
  const json = env.WEBSITE_AUTH_AAD_CLAIMS_AUTHORIZATION;
  const none = { groups: [], apps: [] };
  if (json === undefined || json === '') return none;
  try {
    const value: unknown = JSON.parse(json);
    const list = (name: string): string[] => {
      const items: unknown =
        typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
      if (items === undefined || items === null) return [];
      if (Array.isArray(items) && items.every((item) => typeof item === 'string')) return items;
      throw new TypeError(name);
    };
    return { groups: list('allowed_groups'), apps: list('allowed_client_applications') };
  } catch {
    issues.problem('WEBSITE_AUTH_AAD_CLAIMS_AUTHORIZATION', 'must be JSON with arrays of strings');
    return none;
  }
}

function checkLengths(aad: Tree['identityProviders']['azureActiveDirectory'], issues: Issues): void {
  const lists: [string, readonly string[]][] = [
    ['allowedAudiences', aad.validation.allowedAudiences],
    [
      'defaultAuthorizationPolicy.allowedPrincipals.identities',
      aad.validation.defaultAuthorizationPolicy.allowedPrincipals.identities,
    ],
  ];
  for (const [name, items] of lists)
    if (items.join('').length > 500)
      issues.warn(`${root}.validation.${name}`, 'is over 500 characters, the limit of App Service');
}

function tenants(env: Environment, issues: Issues): readonly string[] {
  const list = listOf(env.WEBSITE_AUTH_AAD_ALLOWED_TENANTS ?? '');
  if (list.length > 10) issues.problem('WEBSITE_AUTH_AAD_ALLOWED_TENANTS', 'may list at most 10 tenants');
  return list.map((tenant) => tenant.toLowerCase());
}

const truthy = (value: string | undefined) => value === '1' || value?.toLowerCase() === 'true';

/** The Entra provider's settings, or undefined when it is not registered or switched off. */
export function readAad(tree: Tree, env: Environment, issues: Issues): AadSettings | undefined {
  const aad = tree.identityProviders.azureActiveDirectory;
  const { clientId, openIdIssuer } = aad.registration;
  if (aad.enabled === false) return undefined;
  if (clientId === undefined) {
    if (openIdIssuer !== undefined)
      issues.problem(`${root}.registration.clientId`, 'is missing beside openIdIssuer');
    return undefined;
  }
  const issuer = openIdIssuer ?? '';
  const issuerFault = secureUrlFault(issuer);
  if (openIdIssuer === undefined) issues.problem(`${root}.registration.openIdIssuer`, 'is missing');
  else if (issuerFault !== undefined) issues.problem(`${root}.registration.openIdIssuer`, issuerFault);
  checkLengths(aad, issues);
  const oldForm = claimsAuthorization(env, issues);
  const { jwtClaimChecks, defaultAuthorizationPolicy: policy } = aad.validation;
  const identities = policy.allowedPrincipals.identities;
  return {
    issuer,
    clientId,
    credential: readAadCredential(tree, env, issues),
    loginParameters: readLoginParameters(aad.login.loginParameters, `${root}.login.loginParameters`, issues),
    challenge: aad.login.disableWWWAuthenticate !== true,
    allowedAudiences: aad.validation.allowedAudiences,
    allowedGroups: [...jwtClaimChecks.allowedGroups, ...oldForm.groups],
    allowedClientApplications: [...jwtClaimChecks.allowedClientApplications, ...oldForm.apps],
    allowedApplications: policy.allowedApplications,
    allowedPrincipalGroups: policy.allowedPrincipals.groups,
    allowedIdentities: identities,
    allowedTenants: tenants(env, issues),
    requireServicePrincipal:
      identities.length > 0 || truthy(env.WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL),
  };
}
