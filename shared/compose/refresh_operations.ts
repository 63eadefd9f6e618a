import type { Environment } from '../config.js';
import { createOperateUpkeep, type OperateUpkeep } from '../flows/operate_upkeep.js';
import { readSettings } from '../settings.js';
import { createAdapters } from './adapters.js';
import { createFlows } from './flows.js';
import { SYSTEM, type System } from './system.js';

/** What is asked for goes to standard output, and the log beside it. */
const OPERATOR: System = { ...SYSTEM, log: { ...SYSTEM.log, info: SYSTEM.log.warn } };

/**
 * What `npm run refresh` works with: the broker's own flows over its own tables, with the credentials of whoever runs it.
 * @throws ConfigRefused with every problem of settings and policy
 */
export function composeRefreshOperations(env: Environment, system: System = OPERATOR): OperateUpkeep {
  const settings = readSettings(env);
  const adapters = createAdapters(settings, system);
  const flows = createFlows({ ...system, ...adapters, ...settings });
  return createOperateUpkeep({ ...system, ...adapters, ...flows });
}
