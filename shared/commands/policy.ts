import { type Command, commandOf } from './command.js';
import { checkPolicy } from './policy/check.js';
import { comparePolicies } from './policy/compare.js';
import { explainPolicy } from './policy/explain.js';
import { hashClientSecret } from './policy/hash_secret.js';
import type { PolicyTools } from './policy/tools.js';

/** `npm run policy`: everything there is to know of a policy before it is in force. */
export function policyCommand(tools: PolicyTools): Command {
  return commandOf('policy', [
    {
      name: 'check',
      synopsis: 'FILE [--secrets] [--json]',
      summary: 'lists every problem of a document; with --secrets those of the settings it names, too',
      run: checkPolicy(tools),
    },
    {
      name: 'explain',
      synopsis: '--client C --subject S --resource R [--scope "…"] [--grant-type T] [--at TIME] [--live] …',
      summary:
        'says what a request would get and which rule decides; --live asks storage for the grant, groups and roles, else --held, --group and --role say them',
      run: explainPolicy(tools),
    },
    {
      name: 'compare',
      synopsis: 'OLD NEW --from-audit [--from TIME] [--to TIME] [--limit ROWS] [--fail-on-change] [--json]',
      summary: 'replays recorded token requests against both documents and shows what would change',
      run: comparePolicies(tools),
    },
    {
      name: 'hash-secret',
      synopsis: '[--new] [--json]',
      summary: 'prints the salted hash of the client secret on standard input, or of a new one',
      run: hashClientSecret(tools),
    },
  ]);
}
