import { beforeEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../shared/domain/subject.js';
import { refreshedFor } from '../../../shared/flows/refreshed_for.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { GRAPH, NOW, ORDERS } from '../support/samples.js';
import { DOWN, refreshTokenOf } from '../support/scripted_provider.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const HOUR = 3_600_000;
let bench: Bench;
const { user } = upkeepUsers(() => bench);

beforeEach(() => {
  const tables = memoryTables(() => bench?.time.now ?? NOW);
  bench = createBench(tables);
});

const rowsOf = async (clientId: string) => {
  const query = { from: 0, to: bench.time.now + 1, limit: 100, match: { clientId } };
  return (await bench.failures.query(query)).items;
};

const give = (subject: Subject, clientId: string) =>
  bench.createGrant({
    ...{ subject, clientId, resource: GRAPH, scope: ['Mail.Read'], expiresInSeconds: undefined },
    ...{ refreshToken: refreshTokenOf(subject), correlationId: 'c' },
  });

describe('a row of the failure log', () => {
  it('that the timer caused names every client whose grant wants the token, and each of them finds it', async () => {
    const subject = await user();
    await give(subject, 'mail-agent');
    bench.provider.answers(() => DOWN);
    bench.time.now += HOUR;
    await bench.tick();
    bench.provider.answersWell();
    bench.time.now += HOUR;
    await bench.tick();
    for (const clientId of ['mail-agent', 'nightly-report']) {
      expect(await rowsOf(clientId)).toMatchObject([
        { class: 'recovered', clients: ['mail-agent', 'nightly-report'] },
        { class: 'transient', cause: 'timer', clients: ['mail-agent', 'nightly-report'] },
      ]);
    }
    expect(await rowsOf('someone-else')).toEqual([]);
  });

  it('names nobody whose grant is for something else, or is over', async () => {
    const subject = await user(ORDERS, ['orders.read']);
    const target = { resource: GRAPH, scope: ['Mail.Read'] };
    expect(await refreshedFor(bench, { subject, target })).toEqual([]);
    expect(await refreshedFor(bench, { subject, target: { scope: [] } })).toEqual(['nightly-report']);
    bench.time.now += 31 * 24 * HOUR;
    expect(await refreshedFor(bench, { subject, target: { scope: [] } })).toEqual([]);
  });

  it('is written although its clients could not be told', async () => {
    const subject = await user();
    const grants = { ofSubject: () => Promise.reject(new Error('storage is away')) };
    const asked = { subject, target: { scope: [] } };
    expect(await refreshedFor({ ...bench, grants }, asked)).toEqual([]);
    expect(await refreshedFor({ ...bench, grants }, { ...asked, clientId: 'x' })).toEqual(['x']);
  });
});
