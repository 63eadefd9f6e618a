import { policyCommand } from '../shared/commands/policy.js';
import { policyTools } from '../shared/compose.js';
import { runOperation } from './run.js';

await runOperation((settings) => policyCommand(policyTools(settings)));
