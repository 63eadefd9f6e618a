import { ConfigRefused } from '../../config.js';
import { type Policy, readPolicy, readRules } from '../../policy.js';
import { readArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { type PolicyTools, policyFacts, policyText, readDocument } from './tools.js';

/** `check FILE`: what the broker would say of it at start. */
export function checkPolicy(tools: PolicyTools): Command {
  return async ({ args, print }) => {
    const { values, positionals } = readArguments(args, {
      secrets: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const text = readDocument('FILE', positionals[0]);
    const settings = values.secrets ? tools.settings() : undefined;
    const read = attempt(() => (settings ? readPolicy(text, settings) : readRules(text)));
    if (values.json) print(JSON.stringify('policy' in read ? sound(read.policy) : { ok: false, ...read }));
    else if ('policy' in read) print(soundText(read.policy));
    else for (const problem of read.problems) print(problem);
    return 'policy' in read ? 0 : 1;
  };
}

function attempt(read: () => Policy): { policy: Policy } | { problems: readonly string[] } {
  try {
    return { policy: read() };
  } catch (error) {
    if (error instanceof ConfigRefused) return { problems: error.problems };
    throw error;
  }
}

function sound(policy: Policy) {
  const { clients, resources } = policy;
  return { ok: true, ...policyFacts(policy), clients: clients.size, resources: resources.size, problems: [] };
}

function soundText(policy: Policy): string {
  const { clients, resources } = policy;
  return `ok: ${clients.size} clients, ${resources.size} resources; ${policyText(policy)}`;
}
