import { createKeysCommand } from '../shared/commands/keys.js';
import { composeKeyOperations } from '../shared/compose.js';
import { runOperation } from './run.js';

await runOperation((settings) => createKeysCommand(() => composeKeyOperations(settings())));
