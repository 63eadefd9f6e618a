import { readFileSync } from 'node:fs';
import { type Config, ConfigRefused, type Environment, readConfig } from './config.js';
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
  if (!config || !policy) throw new ConfigRefused(problems);
  return { config, policy };
}

function readPolicyFile(env: Environment): string {
  try {
    return readFileSync(env.BROKER_POLICY_FILE || 'policy.json', 'utf8');
  } catch {
    throw new ConfigRefused(['BROKER_POLICY_FILE names a file that cannot be read']);
  }
}
