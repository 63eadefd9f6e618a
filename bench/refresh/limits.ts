import { Pool } from 'undici';
import { GRAPH } from '../../local/demo/tenant.js';
import { createTables } from '../../shared/adapters/tables/service.js';
import { inParallel, type People } from './people.js';
import { APP, type World } from './world.js';

const GRANTS = 1500;
const WRITES = 3000;

/** Refresh grants a second that the provider answers when nobody else works. */
export async function providerLimit(world: World, people: People): Promise<number> {
  const { origin, pathname } = new URL(world.providerUrl);
  const pool = new Pool(origin, { connections: 32 });
  const ask = async (index: number) => {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: APP.appId,
      client_secret: APP.secret,
      refresh_token: people.refreshToken(index % 1000),
      scope: `openid profile offline_access ${GRAPH}/.default`,
    });
    const answer = await pool.request({
      path: `${pathname}/oauth2/v2.0/token`,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`the provider answered ${answer.statusCode}`);
  };
  const perSecond = await rateOf(GRANTS, ask);
  await pool.close();
  return perSecond;
}

/** Single writes a second that storage takes from one client when nobody else works. */
export async function writeLimit(world: World): Promise<number> {
  const connectionString = world.env.BROKER_TABLES_CONNECTION_STRING ?? '';
  const table = createTables({ connectionString })('writelimit');
  const text = 'x'.repeat(1500);
  const salt = Date.now();
  return rateOf(WRITES, async (index) => {
    await table.insert({ partitionKey: `${salt}-${index}`, rowKey: 'row', schema: 1, text });
  });
}

async function rateOf(count: number, run: (index: number) => Promise<unknown>): Promise<number> {
  const indices = Array.from({ length: count }, (_, index) => index);
  const began = performance.now();
  await inParallel(indices, run);
  return (count * 1000) / (performance.now() - began);
}
