import { createHash } from 'node:crypto';
import { ConfigRefused, type Environment } from './config.js';
import { buildPolicy } from './policy/build.js';
import { parseDocument } from './policy/document.js';
import type { Policy } from './policy/model.js';
import { documentProblems } from './policy/problems.js';

export type { ClientPolicy, Facade, Policy, ProviderResource, ResourcePolicy } from './policy/model.js';

/** More would hide the first ones. */
const MOST_PROBLEMS = 200;

/**
 * Reads a policy document whole: form, then the references inside it, then the secrets it names.
 * @throws ConfigRefused listing every problem by its place in the document
 */
export function readPolicy(text: string, env: Environment): Policy {
  try {
    const document = parseDocument(text);
    const problems = documentProblems(document, env);
    if (problems.length > 0) throw new ConfigRefused(problems);
    return { ...buildPolicy(document, env), hash: createHash('sha256').update(text).digest('base64url') };
  } catch (error) {
    throw error instanceof ConfigRefused ? shortened(error) : error;
  }
}

function shortened(refused: ConfigRefused): ConfigRefused {
  const { problems } = refused;
  if (problems.length <= MOST_PROBLEMS) return refused;
  return new ConfigRefused([
    ...problems.slice(0, MOST_PROBLEMS),
    `policy: and ${problems.length - MOST_PROBLEMS} problems more`,
  ]);
}
