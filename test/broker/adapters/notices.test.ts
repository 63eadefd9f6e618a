import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withRecentGrants } from '../../../shared/adapters/recent_reads.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createGrantStore } from '../../../shared/adapters/tables/grants.js';
import { createNotices, HEARD_MS } from '../../../shared/adapters/tables/notices.js';
import type { Table } from '../../../shared/adapters/tables/table.js';
import type { GrantStore } from '../../../shared/ports.js';
import { withFaults } from '../support/faulty_table.js';
import { refusalOf } from '../support/refusals.js';
import { grantOf, NOW, someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const WITHIN_MS = 5000;

/** Instances over the same tables: each remembers for itself, all with one clock. */
function fleet() {
  const [grantsName, noticesName] = [tables.name(), tables.name()];
  let now = NOW;
  const clock = () => now;
  const instance = () => {
    const table = withFaults(tables.table(grantsName));
    const noticesTable = withFaults(tables.table(noticesName));
    let reads = 0;
    const counted: Table = {
      ...table,
      read(partitionKey, rowKey) {
        reads += 1;
        return table.read(partitionKey, rowKey);
      },
    };
    const listening = new Set<Promise<unknown>>();
    const heard: Table = {
      ...noticesTable,
      all(filter) {
        const rows = noticesTable.all(filter);
        listening.add(rows);
        return rows;
      },
    };
    const notices = createNotices({ table: heard, clock, random: systemRandom });
    const grants = withRecentGrants(createGrantStore(counted), { clock, notices });
    /** Listening goes on in the background: resolves when all of it has come in. */
    const listened = async () => {
      await Promise.allSettled(listening);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { grants, notices, table, noticesTable, listened, reads: () => reads };
  };
  return { instance, clock, step: (ms: number) => (now += ms), noticesName };
}

type Instance = ReturnType<ReturnType<typeof fleet>['instance']>;

const isLive = async (grants: GrantStore, grantId: string) =>
  (await grants.find(grantId))?.value.ended === undefined;

/** Remembers the grant, and has listened. */
async function listenedTo({ grants, listened }: Instance, grantId: string): Promise<void> {
  await grants.find(grantId);
  await grants.find(grantId);
  await listened();
  await grants.find(grantId);
}

async function end(grants: GrantStore, grantId: string): Promise<void> {
  const found = await grants.find(grantId);
  if (!found) throw new Error('there is no such grant');
  await grants.replace({ ...found.value, ended: { at: NOW, by: 'subject' } }, found.etag);
}

describe('grants that several instances remember', () => {
  it('are read once, however often they are asked for, while nothing is heard', async () => {
    const { instance, step } = fleet();
    const one = instance();
    const grant = grantOf(someone());
    await one.grants.create(grant);
    await listenedTo(one, grant.grantId);
    const before = one.reads();
    for (let count = 0; count < 60; count++) {
      step(1000);
      await one.grants.find(grant.grantId);
      await one.listened();
    }
    expect(one.reads()).toBe(before);
  });

  it('that are ended at one leave the others within five seconds, whenever they last listened', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 6000 }),
        fc.integer({ min: 0, max: 20_000 }),
        async (a, b) => {
          const { instance, step } = fleet();
          const [one, two] = [instance(), instance()];
          const grant = grantOf(someone());
          await one.grants.create(grant);
          await listenedTo(two, grant.grantId);
          step(a);
          await two.grants.find(grant.grantId);
          await end(one.grants, grant.grantId);
          step(WITHIN_MS + b);
          expect(await isLive(two.grants, grant.grantId)).toBe(false);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('are not remembered between the notice and the change it is about', async () => {
    const { instance, step } = fleet();
    const [one, two] = [instance(), instance()];
    const grant = grantOf(someone());
    await one.grants.create(grant);
    await listenedTo(two, grant.grantId);
    const found = await one.grants.find(grant.grantId);
    if (!found) throw new Error('there is no such grant');
    await one.notices.announce(grant.grantId.slice(0, 43));
    step(HEARD_MS);
    // The notice has been heard, the change has not been made: what is read now is still alive.
    await listenedTo(two, grant.grantId);
    step(10);
    expect(await isLive(two.grants, grant.grantId)).toBe(true);
    await one.table.update(
      {
        ...(await rowOf(one.table, grant.grantId)),
        endedAt: new Date(NOW).toISOString(),
        endedBy: 'subject',
      },
      found.etag,
    );
    expect(await isLive(two.grants, grant.grantId)).toBe(false);
  });

  it('are read each time by who cannot hear', async () => {
    const { instance, step } = fleet();
    const [one, two] = [instance(), instance()];
    const grant = grantOf(someone());
    await one.grants.create(grant);
    await listenedTo(two, grant.grantId);
    two.noticesTable.cut();
    step(HEARD_MS);
    const before = two.reads();
    for (let count = 0; count < 3; count++) await two.grants.find(grant.grantId);
    expect(two.reads()).toBe(before + 3);
    two.noticesTable.mend();
    await listenedTo(two, grant.grantId);
    const after = two.reads();
    await two.grants.find(grant.grantId);
    expect(two.reads()).toBe(after);
  });

  it('are not ended where the others cannot be told', async () => {
    const { instance } = fleet();
    const one = instance();
    const grant = grantOf(someone());
    await one.grants.create(grant);
    one.noticesTable.fail('insert', ['down']);
    expect((await refusalOf(() => end(one.grants, grant.grantId))).code).toBe('temporarily_unavailable');
    expect(await isLive(one.grants, grant.grantId)).toBe(true);
  });

  it('of other users stay remembered', async () => {
    const { instance, step } = fleet();
    const [one, two] = [instance(), instance()];
    const [ended, other] = [grantOf(someone()), grantOf(someone())];
    for (const grant of [ended, other]) await one.grants.create(grant);
    for (const grant of [ended, other]) await listenedTo(two, grant.grantId);
    await end(one.grants, ended.grantId);
    step(2000);
    await listenedTo(two, other.grantId);
    const before = two.reads();
    await two.grants.find(other.grantId);
    expect(two.reads()).toBe(before);
  });
});

async function rowOf(table: Table, grantId: string) {
  const [stored] = await table.all(`PartitionKey eq '${grantId.slice(0, 43)}'`);
  if (!stored) throw new Error('there is no such row');
  return stored.row;
}

it('notices that nobody listens for any more are cleared away', async () => {
  const { instance, step, noticesName } = fleet();
  await instance().notices.announce('a'.repeat(43));
  step(2 * 3_600_000);
  await instance().notices.announce('b'.repeat(43));
  const left: unknown[] = [];
  for await (const row of tables.raw(noticesName).listEntities()) left.push(row.subjectKey);
  expect(left).toEqual(['b'.repeat(43)]);
});
