import { type Environment, isSafeAddress } from '../config.js';
import { expiryDate } from '../domain/expiry_date.js';
import { isResourceUri } from '../domain/resource.js';
import { beyond, scopeOf } from '../domain/scope.js';
import { certificateProblems } from './certificate_problems.js';
import type { ClientDocument, FacadeDocument, PolicyDocument } from './document.js';
import { secretProblems } from './secrets.js';

/** What is wrong inside a document of the right form, by its place: references that lead nowhere, and secrets that are not there. */
export function documentProblems(document: PolicyDocument, env: Environment): readonly string[] {
  return [...resourceProblems(document, env), ...clientProblems(document, env)];
}

function resourceProblems({ resources }: PolicyDocument, env: Environment): string[] {
  return Object.entries(resources).flatMap(([uri, entry]) => [
    ...(isResourceUri(uri) ? [] : [`policy/resources: ${uri} is not an absolute URI without a fragment`]),
    ...('facade' in entry && entry.facade ? facadeProblems(uri, entry.facade, env) : []),
  ]);
}

function facadeProblems(
  uri: string,
  { secretSetting, resource }: FacadeDocument,
  env: Environment,
): string[] {
  const place = `policy/resources/${uri}/facade`;
  const expires = secretSetting && env[`${secretSetting}_EXPIRES`];
  return [
    ...(expires && expiryDate(expires) === undefined
      ? [`${place}/secretSetting: ${secretSetting}_EXPIRES must be a date such as 2027-01-31`]
      : []),
    ...(secretSetting !== undefined && !env[secretSetting]
      ? [`${place}/secretSetting: the setting ${secretSetting} is missing`]
      : []),
    ...(resource !== undefined && !isResourceUri(resource)
      ? [`${place}/resource: is not an absolute URI without a fragment`]
      : []),
  ];
}

function clientProblems(document: PolicyDocument, env: Environment): string[] {
  const problems: string[] = [];
  const appIds = new Map<string, string>();
  for (const [id, client] of Object.entries(document.clients)) {
    problems.push(
      ...scopeProblems(id, client, document),
      ...secretProblems(id, client, env),
      ...referenceProblems(id, client, document),
      ...certificateProblems(id, client, { document, env }),
    );
    const appId = client.auth.entraAppId?.toLowerCase();
    const other = appId && appIds.get(appId);
    if (other) problems.push(`policy/clients/${id}/auth/entraAppId: is that of ${other} too`);
    if (appId) appIds.set(appId, id);
  }
  return problems;
}

function scopeProblems(id: string, client: ClientDocument, { resources }: PolicyDocument): string[] {
  return Object.entries(client.resources).flatMap(([uri, scopes]) => {
    const resource = resources[uri];
    const place = `policy/clients/${id}/resources/${uri}`;
    if (!resource) return [`${place}: is not among the resources`];
    return beyond(scopeOf(scopes), scopeOf(resource.scopes)).map(
      (scope) => `${place}: ${scope} is not a scope of that resource`,
    );
  });
}

function referenceProblems(id: string, client: ClientDocument, document: PolicyDocument): string[] {
  const missing = (list: readonly string[] | undefined, known: object) =>
    (list ?? []).filter((name) => !Object.hasOwn(known, name));
  const { publicKeys, jwksUri, assertionReuse } = client.auth;
  return [
    ...(publicKeys && jwksUri
      ? [`policy/clients/${id}/auth: publicKeys and jwksUri must not both be given`]
      : []),
    ...(assertionReuse && !publicKeys && !jwksUri
      ? [`policy/clients/${id}/auth/assertionReuse: this client has no keys to sign assertions with`]
      : []),
    ...(publicKeys?.some((key) => 'd' in key || 'k' in key)
      ? [`policy/clients/${id}/auth/publicKeys: holds a private or secret key`]
      : []),
    ...(jwksUri !== undefined && !isSafeAddress(jwksUri)
      ? [`policy/clients/${id}/auth/jwksUri: must be an https address (http only for localhost)`]
      : []),
    ...(client.redirectUris?.some((uri) => uri.includes('#') || !isSafeAddress(uri))
      ? [
          `policy/clients/${id}/redirectUris: must be https addresses without a fragment (http only for localhost)`,
        ]
      : []),
    ...missing(client.serves, document.resources).map(
      (uri) => `policy/clients/${id}/serves: ${uri} is not among the resources`,
    ),
    ...missing(client.actors, document.clients).map(
      (name) => `policy/clients/${id}/actors: ${name} is not among the clients`,
    ),
  ];
}
