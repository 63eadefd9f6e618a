import { readFileSync } from 'node:fs';
import { type Config, ConfigRefused, type Environment, type OtherProvider, readConfig } from './config.js';
import { type Policy, readPolicy } from './policy.js';

/**
 * The settings and the policy they name, read together so that one start shows every problem of both.
 * @throws ConfigRefused
 */
export function readSettings(env: Environment): { config: Config; policy: Policy } {
  const problems: string[] = [];
  const collect = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigRefused)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const config = collect(() => readConfig(env));
  const policy = collect(() => readPolicy(readPolicyFile(env), env));
  if (config && policy) problems.push(...providerProblems(config, policy));
  if (!config || !policy || problems.length > 0) throw new ConfigRefused(problems);
  return { config, policy };
}

/** What the policy says of providers must fit the ones that are on: a name that is misspelt would deny in silence. */
function providerProblems({ others }: Config, { resources, admitOnHeaders }: Policy): string[] {
  const known = new Map<string, OtherProvider | undefined>([['aad', undefined]]);
  for (const other of others) known.set(other.name, other);
  const problems: string[] = [];
  for (const [uri, resource] of resources) {
    if (resource.narrowing !== 'provider') continue;
    const place = `policy/resources/${uri}/provider`;
    if (!known.has(resource.provider)) problems.push(`${place}: is not configured`);
    if (resource.provider === 'twitter') {
      problems.push(
        `${place}: tokens of X are of use only with the app's own secret and cannot be handed out`,
      );
    }
  }
  for (const name of admitOnHeaders) {
    const kind = known.get(name)?.kind;
    const place = `policy/providers/${name}/admitOnHeaders`;
    if (!known.has(name)) problems.push(`${place}: the provider is not configured`);
    else if (kind === undefined || kind === 'google' || kind === 'openid') {
      problems.push(`${place}: this provider has ID tokens, which are always asked for`);
    }
  }
  return problems;
}

function readPolicyFile(env: Environment): string {
  try {
    return readFileSync(env.BROKER_POLICY_FILE || 'policy.json', 'utf8');
  } catch {
    throw new ConfigRefused(['BROKER_POLICY_FILE names a file that cannot be read']);
  }
}
