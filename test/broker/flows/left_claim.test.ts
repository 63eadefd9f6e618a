import { beforeEach, describe, expect, it } from 'vitest';
import { claimMs, isClaimed } from '../../../shared/domain/connection.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { GRAPH, NOW } from '../support/samples.js';
import { refreshTokenOf } from '../support/scripted_provider.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const CLAIM_MS = claimMs('replace-keep-old');
const HOUR = 3_600_000;
let bench: Bench;
const { users, asked } = upkeepUsers(() => bench);

beforeEach(() => {
  const tables = memoryTables(() => bench?.time.now ?? NOW);
  bench = createBench(tables);
});

const found = async (subject: Subject) => {
  const row = await bench.connections.find(subject);
  if (!row) throw new Error('there is no connection');
  return row;
};

/** What a killed process leaves behind. */
async function leaveClaim(subject: Subject): Promise<void> {
  const { value, etag } = await found(subject);
  await bench.connections.replace({ ...value, claim: { attemptId: 'killed' } }, etag);
}

const give = (subject: Subject, scope: string) =>
  bench.createGrant({
    ...{ subject, clientId: 'nightly-report', resource: GRAPH, scope: [scope], expiresInSeconds: undefined },
    ...{ refreshToken: refreshTokenOf(subject), correlationId: 'c' },
  });

describe('a claim that a killed process left', () => {
  it('is not renewed by a new grant that brings the next look forward', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    await leaveClaim(alice);
    bench.time.now += CLAIM_MS - 1000;
    await give(alice, 'User.Read');
    const after = await found(alice);
    expect(after.ageMs).toBe(0);
    expect(isClaimed(after, 'replace-keep-old')).toBe(true);
    bench.time.now += 1000;
    expect(isClaimed(await found(alice), 'replace-keep-old')).toBe(false);
  });

  it('is not renewed by the worker that brings connection and index in step, and says still who was at it', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    const { value, etag } = await found(alice);
    const dueAt = bench.time.now;
    await bench.connections.replace({ ...value, dueAt, claim: { attemptId: 'killed' } }, etag);
    bench.time.now += CLAIM_MS;
    await bench.workDue([{ subject: alice, dueAt }]);
    const after = await found(alice);
    expect(after.value.dueAt).toBe(value.dueAt);
    expect(after.ageMs).toBe(0);
    expect(after.value.claim?.attemptId).toBe('killed');
    expect(isClaimed(after, 'replace-keep-old')).toBe(false);
  });

  it('that has ended holds nobody up after such a write', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += HOUR;
    await leaveClaim(alice);
    bench.time.now += CLAIM_MS;
    await give(alice, 'User.Read');
    await bench.tick();
    expect(asked(alice)).toBeGreaterThan(0);
    expect((await found(alice)).value.claim).toBeUndefined();
  });
});
