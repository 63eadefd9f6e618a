import type { Directory } from '../directory/directory.js';
import type { App } from '../directory/types.js';
import { EntraError } from './errors.js';

export const OIDC_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

/** What is asked of one resource. `all` is `/.default`; `prefixed` tells whether the caller wrote the resource out. */
export type ResourceScopes = Readonly<{
  resource: App;
  names: readonly string[];
  all: boolean;
  prefixed: boolean;
}>;

/** A `scope` parameter, sorted out. `resources` are in the order asked for. */
export type ScopeRequest = Readonly<{ oidc: ReadonlySet<string>; resources: readonly ResourceScopes[] }>;

type Part = Readonly<{ identifier: string | undefined; name: string; text: string }>;

function splitScope(text: string): Part {
  if (!/^[!#-[\]-~]{1,1000}$/.test(text)) throw new EntraError('scopeInvalid', { scope: text });
  const slash = text.lastIndexOf('/');
  const name = text.slice(slash + 1);
  const identifier = slash < 0 ? undefined : text.slice(0, slash);
  if (name === '' || identifier === '') throw new EntraError('scopeInvalid', { scope: text });
  return { identifier, name, text };
}

function findResource(directory: Directory, part: Part, tid: string): App {
  if (part.identifier === undefined) return directory.defaultResource;
  const found = directory.resource(part.identifier, tid);
  if (found !== undefined) return found;
  throw new EntraError('resourceNotFound', { resource: part.identifier, tenant: tid });
}

/**
 * Sorts a `scope` parameter by resource. A scope without a prefix belongs to the default resource, and so does a
 * request with OpenID scopes only.
 * @throws EntraError scopeInvalid for a bad form or `.default` beside named scopes of one resource, resourceNotFound
 */
export function parseScope(directory: Directory, scope: string, tid: string): ScopeRequest {
  const texts = [...new Set(scope.split(' ').filter((text) => text !== ''))];
  const oidc = new Set(texts.filter((text) => OIDC_SCOPES.has(text)));
  const byApp = new Map<App, Part[]>();
  for (const text of texts.filter((one) => !OIDC_SCOPES.has(one))) {
    const part = splitScope(text);
    const resource = findResource(directory, part, tid);
    byApp.set(resource, [...(byApp.get(resource) ?? []), part]);
  }
  const resources = [...byApp].map(([resource, parts]) => toResourceScopes(resource, parts));
  if (resources.length === 0) resources.push(onlyOidc(directory));
  return { oidc, resources };
}

function toResourceScopes(resource: App, parts: readonly Part[]): ResourceScopes {
  const all = parts.some((part) => part.name === '.default');
  const named = parts.find((part) => part.name !== '.default');
  if (all && named !== undefined)
    throw new EntraError('scopeInvalid', { scope: parts.map((p) => p.text).join(' ') });
  const names = all ? [] : [...new Set(parts.map((part) => part.name))];
  return { resource, names, all, prefixed: parts.some((part) => part.identifier !== undefined) };
}

function onlyOidc(directory: Directory): ResourceScopes {
  return { resource: directory.defaultResource, names: [], all: false, prefixed: false };
}

/** The first scope that its resource does not expose, whatever its case; Entra compares scopes without case. */
export function unknownScope({ resource, names }: ResourceScopes): string | undefined {
  const exposed = new Set((resource.scopes ?? []).map((scope) => scope.toLowerCase()));
  return names.find((name) => !exposed.has(name.toLowerCase()));
}

/** Whether two scope names are the same to Entra. */
export function sameScope(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
