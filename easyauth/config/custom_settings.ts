import { readLoginParameters } from './login_parameters.js';
import { type CustomEndpoints, type CustomSettings, reservedNames } from './provider_settings.js';
import type { Issues } from './reader.js';
import type { Environment } from './settings.js';
import type { Tree } from './tree.js';
import { readSecret, secureUrlFault } from './values.js';

type CustomTree =
  Tree['identityProviders']['customOpenIdConnectProviders'] extends ReadonlyMap<string, infer T> ? T : never;

const root = 'identityProviders.customOpenIdConnectProviders';

function required(value: string | undefined, path: string, issues: Issues): string {
  const fault = value === undefined ? 'is missing' : secureUrlFault(value);
  if (fault !== undefined) issues.problem(path, fault);
  return value ?? '';
}

/** Of both forms the discovery document wins (reference §8). */
function endpointsOf(custom: CustomTree, path: string, issues: Issues): CustomEndpoints {
  const at = `${path}.registration.openIdConnectConfiguration`;
  const { wellKnownOpenIdConfiguration: wellKnown, ...four } = custom.registration.openIdConnectConfiguration;
  const named = Object.values(four).filter((value) => value !== undefined);
  if (wellKnown !== undefined || named.length === 0) {
    if (named.length > 0) issues.warn(at, 'the endpoints beside wellKnownOpenIdConfiguration have no effect');
    return { wellKnown: required(wellKnown, `${at}.wellKnownOpenIdConfiguration`, issues) };
  }
  if (four.issuer === undefined) issues.problem(`${at}.issuer`, 'is missing');
  return {
    issuer: four.issuer ?? '',
    authorizationEndpoint: required(four.authorizationEndpoint, `${at}.authorizationEndpoint`, issues),
    tokenEndpoint: required(four.tokenEndpoint, `${at}.tokenEndpoint`, issues),
    certificationUri: required(four.certificationUri, `${at}.certificationUri`, issues),
  };
}

function nameFault(name: string, seen: ReadonlySet<string>): string | undefined {
  if (!/^\w{1,50}$/.test(name)) return 'is no provider name: letters, digits and _ only';
  if (reservedNames.has(name.toLowerCase())) return 'has the name of a built-in provider or route';
  return seen.has(name.toLowerCase()) ? 'differs from another name in case only' : undefined;
}

function scopesOf(custom: CustomTree): readonly string[] {
  const { scopes } = custom.login;
  const words = (scopes.length === 0 ? ['openid', 'profile', 'email'] : scopes).flatMap((s) =>
    s.split(/\s+/),
  );
  return [...new Set(words.includes('openid') ? words : ['openid', ...words])].filter((word) => word !== '');
}

/** The custom OpenID Connect providers that are registered, under either name of the map (reference §8). */
export function readCustom(tree: Tree, env: Environment, issues: Issues): readonly CustomSettings[] {
  const out: CustomSettings[] = [];
  const seen = new Set<string>();
  for (const [name, custom] of tree.identityProviders.customOpenIdConnectProviders) {
    const { clientId, clientCredential } = custom.registration;
    if (custom.enabled === false || clientId === undefined) continue;
    const path = `${root}.${name}`;
    const fault = nameFault(name, seen);
    if (fault !== undefined) issues.problem(path, fault);
    seen.add(name.toLowerCase());
    const secretPath = `${path}.registration.clientCredential.clientSecretSettingName`;
    const secretName = clientCredential.clientSecretSettingName;
    if (secretName === undefined) issues.problem(secretPath, 'is missing');
    const secret = readSecret({ name: secretName, path: secretPath, env, issues });
    const endpoints = endpointsOf(custom, path, issues);
    const parametersPath = `${path}.login.loginParameterNames`;
    const loginParameters = readLoginParameters(custom.login.loginParameterNames, parametersPath, issues);
    if (secret === undefined) continue;
    const { nameClaimType } = custom.login;
    const scopes = scopesOf(custom);
    out.push({ kind: 'custom', name, clientId, secret, scopes, endpoints, nameClaimType, loginParameters });
  }
  return out;
}
