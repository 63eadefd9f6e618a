import { createHash } from 'node:crypto';
import { ConfigRefused, type Environment } from './config.js';
import { assumedSettings } from './policy/assumed_settings.js';
import { buildPolicy } from './policy/build.js';
import { type PolicyDocument, parseDocument } from './policy/document.js';
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
  return read(text, () => env);
}

/**
 * Reads a policy document for its rules alone, where the settings it names are not at hand. Nobody can authenticate under what is returned.
 * @throws ConfigRefused listing every problem of the document itself
 */
export function readRules(text: string): Policy {
  const policy = read(text, assumedSettings);
  const clients = [...policy.clients].map(([id, client]) => [id, { ...client, secrets: [] }] as const);
  return { ...policy, clients: new Map(clients) };
}

function read(text: string, settings: (document: PolicyDocument) => Environment): Policy {
  try {
    const document = parseDocument(text);
    const env = settings(document);
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
