import type { Environment } from '../../config.js';
import { limitOf } from '../../domain/client_limits.js';
import { GRANT } from '../../domain/narrowing.js';
import { formatScope } from '../../domain/scope.js';
import type { ClientPolicy, Policy } from '../../policy.js';
import { readArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { EXPLAIN_OPTIONS, type Facts, readAsked } from './asked.js';
import { assumedFacts, liveFacts } from './facts.js';
import { type Outcome, outcomeOf, tokenText } from './outcome.js';
import { type PolicyTools, policyFacts, policyText, readRulesFrom } from './tools.js';

/** `explain`: the decision of the token endpoint, with the rule that makes it. Exit code 1 for a refusal. */
export function explainPolicy(tools: PolicyTools): Command {
  return async ({ args, print }) => {
    const { values } = readArguments(args, EXPLAIN_OPTIONS);
    const asked = readAsked(values, tools.clock());
    const settings = values.live || values.policy === undefined ? tools.settings() : {};
    const policy = readRulesFrom('--policy', values.policy ?? policyFileOf(settings));
    const facts = await (values.live
      ? liveFacts(tools.stores(settings), asked)
      : assumedFacts(policy, asked));
    const outcome = 'held' in facts ? await outcomeOf(policy, { ...asked, ...facts }) : facts.outcome;
    const explained = {
      policy: policyFacts(policy),
      ...outcome,
      limits: limitsOf(policy.clients.get(asked.clientId), asked.grantType),
      assumed: facts.assumed,
    };
    if (values.json) print(JSON.stringify(explained));
    else for (const line of lines(policy, outcome, { ...facts, limits: explained.limits })) print(line);
    return outcome.allowed ? 0 : 1;
  };
}

/** As the broker itself finds it. */
function policyFileOf(settings: Environment): string {
  return settings.BROKER_POLICY_FILE || 'policy.json';
}

function limitsOf(client: ClientPolicy | undefined, grantType: string) {
  return client?.limits === undefined ? {} : limitOf(client.limits, grantType);
}

function lines(
  policy: Policy,
  outcome: Outcome,
  { assumed, limits }: Pick<Facts, 'assumed'> & { limits: ReturnType<typeof limitsOf> },
): readonly string[] {
  const { perMinute, perDay } = limits;
  return [
    ...(outcome.allowed ? allowedLines(outcome) : refusedLines(outcome)),
    ...(perMinute === undefined ? [] : [`  at most ${perMinute} a minute`]),
    ...(perDay === undefined ? [] : [`  at most ${perDay} a day`]),
    ...assumed.map((text) => `  assumed: ${text}`),
    `  policy: ${policyText(policy)}`,
  ];
}

function allowedLines({ token, decidedBy }: Outcome & { allowed: true }): readonly string[] {
  return [`allowed: ${formatScope(token.scope)} (${tokenText(token)})`, `  by ${decidedBy}`];
}

function refusedLines({ error, reason, decidedBy }: Outcome & { allowed: false }): readonly string[] {
  return [
    `refused: ${error}`,
    `  by ${decidedBy === GRANT ? 'what the user has agreed to' : decidedBy}: ${reason}`,
  ];
}
