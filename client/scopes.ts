/** What a token request to the broker names: one resource, and scopes at it or all that the grant holds. */
export interface Asked {
  readonly resource: string;
  readonly scope?: string;
}

/**
 * Reads scopes as Azure SDKs write them: `{resource}/.default` for all, or `{resource}/{scope}` for some, all of one resource.
 * @throws TypeError for anything else
 */
export function readScopes(scopes: string | readonly string[]): Asked {
  const list = typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : scopes;
  const parts = list.map(split);
  const [first] = parts;
  if (!first) throw new TypeError('at least one scope is needed');
  if (parts.some(({ resource }) => resource !== first.resource)) {
    throw new TypeError('all scopes must be of one resource');
  }
  const names = parts.map(({ name }) => name);
  if (names.includes('.default')) {
    if (names.length > 1) throw new TypeError('.default must stand alone');
    return { resource: first.resource };
  }
  return { resource: first.resource, scope: [...new Set(names)].sort().join(' ') };
}

function split(scope: string): { resource: string; name: string } {
  const slash = scope.lastIndexOf('/');
  const resource = scope.slice(0, slash);
  const name = scope.slice(slash + 1);
  // Entra's way to name a resource that itself ends in a slash is a double one before the scope.
  if (slash < 1 || name === '' || !URL.canParse(resource)) {
    throw new TypeError('a scope must be written as {resource}/{scope} or {resource}/.default');
  }
  return { resource, name };
}
