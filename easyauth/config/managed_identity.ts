import type { Issues } from './reader.js';
import type { Environment, IdentityEndpoint } from './settings.js';
import { isLoopbackHost, readSecret } from './values.js';

/** The endpoint of App Service is on the machine itself; its header is a secret, so it goes nowhere else. */
function isLocal(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { hostname, protocol } = new URL(endpoint);
  return (
    /^https?:$/.test(protocol) && (isLoopbackHost(hostname) || /^169\.254(?:\.\d{1,3}){2}$/.test(hostname))
  );
}

/** Where tokens of the app's managed identity come from; `path` is the member that needs it. */
export function readIdentityEndpoint(
  env: Environment,
  path: string,
  issues: Issues,
): IdentityEndpoint | undefined {
  const endpoint = env.IDENTITY_ENDPOINT ?? '';
  if (endpoint === '') issues.problem(path, 'needs IDENTITY_ENDPOINT: this machine has no managed identity');
  else if (!isLocal(endpoint)) issues.problem('IDENTITY_ENDPOINT', 'must be an address of this machine');
  const header = readSecret({ name: 'IDENTITY_HEADER', path, env, issues });
  return header === undefined ? undefined : { endpoint, header };
}
