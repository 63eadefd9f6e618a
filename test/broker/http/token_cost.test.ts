import { beforeAll, describe, expect, it } from 'vitest';
import { createTables } from '../../../shared/adapters/tables/service.js';
import type { Table } from '../../../shared/adapters/tables/table.js';
import { callRoute, NIGHTLY, type TestBroker, withBroker } from '../support/broker.js';
import { basic, type GrantAsked, grantTo, refreshForm, tokenCall } from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';

const test = withBroker();

/** Calls of the tables, as `kind table`. */
function countedBroker(): { broker: TestBroker; calls: string[] } {
  const calls: string[] = [];
  const count = (table: Table, name: string): Table => {
    const counted = <A extends unknown[], R>(kind: string, call: (...given: A) => R) => {
      return (...given: A): R => {
        calls.push(`${kind} ${name}`);
        return call(...given);
      };
    };
    return {
      read: counted('read', table.read),
      page: counted('read', table.page),
      all: counted('read', table.all),
      insert: counted('write', table.insert),
      update: counted('write', table.update),
      remove: counted('write', table.remove),
      commit: counted('write', table.commit),
    };
  };
  const tables: typeof createTables = (location) => {
    const open = createTables(location);
    return (name) => count(open(name), name);
  };
  const broker = test.compose({}, { tables });
  const call: TestBroker['call'] = (route, asked) => callRoute(broker, route, asked);
  return { calls, broker: Object.create(test, { broker: { value: broker }, call: { value: call } }) };
}

const RESOURCES: readonly [string, GrantAsked & { resource: string }][] = [
  ['a cached provider token', { resource: GRAPH, scope: 'Mail.Read' }],
  ['a minted token', { resource: ORDERS, scope: 'orders.read' }],
];

describe('what a token costs in storage', () => {
  let bearer: Readonly<Record<string, string>>;
  beforeAll(async () => {
    bearer = { authorization: `Bearer ${await test.entra.appToken(NIGHTLY.appId, test.time.now)}` };
  });
  const ways: readonly [string, () => Readonly<Record<string, string>>][] = [
    ['an app token', () => bearer],
    ['a client secret', () => basic(NIGHTLY.id, NIGHTLY.secret)],
  ];
  const cases = RESOURCES.flatMap(([what, asked]) =>
    ways.map(([how, headers]) => [what, how, asked, headers] as const),
  );

  it.each(cases)(
    '%s asked for again with %s: its audit row and nothing else',
    async (_, __, asked, headers) => {
      const { broker, calls } = countedBroker();
      const form = refreshForm(await grantTo(broker, asked), { resource: asked.resource });
      const reads = async () => {
        test.time.now += 2000;
        calls.length = 0;
        await call();
        return calls.filter((name) => name.startsWith('read') && name !== 'read notices');
      };
      const call = async () => expect((await tokenCall(broker, form, headers())).status).toBe(200);
      // What was enrolled just now is remembered half a minute after that was heard of, in the background.
      await expect.poll(async () => (await reads()).length, { interval: 5, timeout: 20_000 }).toBe(0);
      calls.length = 0;
      for (let count = 0; count < 10; count++) await call();
      expect(calls).toEqual(Array.from({ length: 10 }, () => 'write audit'));
    },
  );

  it('tokens of many users asked for at once: as many rows, in few writes', async () => {
    const { broker, calls } = countedBroker();
    const asked = { resource: GRAPH, scope: 'Mail.Read' };
    const form = refreshForm(await grantTo(broker, asked), { resource: GRAPH });
    const call = () => tokenCall(broker, form, bearer);
    for (let count = 0; count < 3; count++) await call();
    const before = (await test.audited('token.issued')).length;
    calls.length = 0;
    const answers = await Promise.all(Array.from({ length: 60 }, call));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect((await test.audited('token.issued')).length - before).toBe(60);
    expect(calls.filter((name) => name === 'write audit').length).toBeLessThan(15);
  });
});
