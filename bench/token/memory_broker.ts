import { createVault } from '../../shared/adapters/vault/envelope.js';
import { createKeyFile } from '../../shared/adapters/vault/key_file.js';
import { SYSTEM } from '../../shared/compose/system.js';
import { type Broker, composeBroker } from '../../shared/compose.js';
import { createMemoryTables } from './memory_tables.js';
import { addUsers } from './users.js';

/** The broker as it is deployed, but for tables in memory, with made-up users whose tokens are kept in them. */
export async function createMemoryBroker(env: NodeJS.ProcessEnv): Promise<Broker> {
  const table = createMemoryTables();
  const vault = createVault(createKeyFile(env.BROKER_VAULT_KEY_FILE ?? ''));
  const clients = (env.BENCH_CLIENTS ?? '').split(',');
  await addUsers({ table, vault }, { users: Number(env.BENCH_USERS), clients });
  return composeBroker(env, { ...SYSTEM, tables: () => table });
}
