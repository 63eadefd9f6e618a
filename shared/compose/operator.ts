import { text } from 'node:stream/consumers';
import { systemClock, systemRandom } from '../adapters/system.js';
import { createAuditLog } from '../adapters/tables/audit.js';
import { createConnectionStore } from '../adapters/tables/connections.js';
import { createGrantStore } from '../adapters/tables/grants.js';
import { createTables } from '../adapters/tables/service.js';
import type { OperatorStores, PolicyTools } from '../commands/policy/tools.js';
import { type Environment, readConfig } from '../config.js';

/** What `npm run policy` works with on this machine. */
export function policyTools(settings: () => Environment): PolicyTools {
  return {
    settings,
    stores: openStores,
    readInput: () => text(process.stdin),
    clock: systemClock,
    random: systemRandom,
  };
}

/** The broker's tables, to be read. @throws ConfigRefused */
function openStores(settings: Environment): OperatorStores {
  const table = createTables(readConfig(settings).tables);
  return {
    audit: createAuditLog(table('audit')),
    grants: createGrantStore(table('grants')),
    connections: createConnectionStore(table('connections')),
  };
}
