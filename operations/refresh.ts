import { createRefreshCommand } from '../shared/commands/refresh.js';
import { composeRefreshOperations } from '../shared/compose.js';
import { runOperation } from './run.js';

await runOperation((settings) => createRefreshCommand(() => composeRefreshOperations(settings())));
