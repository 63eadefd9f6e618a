import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createBudgets } from '../../../shared/adapters/tables/budgets.js';
import { type ClientLimits, limitOf } from '../../../shared/domain/client_limits.js';
import { createAssertWithinLimits } from '../../../shared/flows/assert_within_limits.js';
import { readPolicy } from '../../../shared/policy.js';
import { withFaults } from '../support/faulty_table.js';
import { NOW, ORDERS, someone } from '../support/samples.js';
import { overwrite, withTables } from '../support/tables.js';

const tables = withTables();

function limited(limits: unknown) {
  const document = {
    resources: { [ORDERS]: { narrowing: 'minted', scopes: ['orders.read'] } },
    clients: { c: { auth: { secretSetting: 'S' }, resources: { [ORDERS]: ['orders.read'] }, limits } },
  };
  const client = readPolicy(JSON.stringify(document), { S: 'a secret long enough' }).clients.get('c');
  if (!client) throw new Error('no client');
  const time = { now: NOW };
  const logged: string[] = [];
  const name = tables.name();
  const table = withFaults(tables.table(name));
  const write = (message: string) => void logged.push(message);
  const assertWithin = createAssertWithinLimits({
    budgets: createBudgets({ table, clock: () => time.now, random: systemRandom }),
    isActive: async () => true,
    clock: () => time.now,
    log: { info: write, warn: write, error: write },
  });
  const ask = (grantType = 'refresh_token') => assertWithin({ client, grantType, subject: someone() });
  return { ask, table, name, time, logged };
}

describe('limits of a client', () => {
  it('are those of the grant type where policy names it, member by member, else the common ones', () => {
    const limits: ClientLimits = {
      perMinute: 5,
      perDay: 100,
      grantTypes: new Map([['a', { perMinute: 9 }]]),
    };
    expect(limitOf(limits, 'a')).toEqual({ perMinute: 9, perDay: 100 });
    expect(limitOf(limits, 'b')).toEqual({ perMinute: 5, perDay: 100 });
  });

  it('never hold up an authorization code: it is how a user connects a service again', async () => {
    const { ask } = limited({ perMinute: 1, perDay: 1 });
    for (let asked = 0; asked < 3; asked++) await ask('authorization_code');
  });

  it('are not in the way when they cannot be counted: requests go on, and the log says so once a minute', async () => {
    const { ask, table, time, logged } = limited({ perMinute: 1 });
    table.cut();
    for (let asked = 0; asked < 3; asked++) await ask();
    expect(logged).toEqual(['rate limits cannot be counted, requests go on']);
    time.now += 60_000;
    await ask();
    expect(logged).toHaveLength(2);
    table.mend();
    time.now += 60_000;
    await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'rate_limited', status: 429 });
  });

  it('nor when their row is of a form that this version cannot read', async () => {
    const { ask, name, time, logged } = limited({ perMinute: 1 });
    await ask();
    for await (const { partitionKey = '', rowKey = '' } of tables.raw(name).listEntities()) {
      await overwrite(tables.raw(name), { partitionKey, rowKey, schema: 99 });
    }
    time.now += 60_000;
    await ask();
    await ask();
    expect(logged).toHaveLength(1);
  });
});
