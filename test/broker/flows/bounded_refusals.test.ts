import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createAuditLog } from '../../../shared/adapters/tables/audit.js';
import type { AuditEvent } from '../../../shared/domain/audit_event.js';
import { withBoundedRefusals } from '../../../shared/flows/bounded_refusals.js';
import { withFaults } from '../support/faulty_table.js';
import { NOW } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const MINUTE = 60_000;
/** What one client or user may have in rows a minute. */
const EACH = 300;

function bounded() {
  const time = { now: NOW };
  const table = withFaults(tables.table());
  const log = createAuditLog(table);
  const logged: string[] = [];
  const write = (message: string) => void logged.push(message);
  const { audit, flush } = withBoundedRefusals(log, {
    clock: () => time.now,
    random: systemRandom,
    log: { info: write, warn: write, error: write },
  });
  const append = (more: Partial<AuditEvent> = {}) =>
    audit.append({ id: systemRandom.uuid(), at: time.now, type: 'token.refused', ...more });
  return {
    time,
    table,
    logged,
    flush,
    append,
    flood: (count: number, more: Partial<AuditEvent>) =>
      Promise.all(Array.from({ length: count }, () => append(more))),
    async rows(): Promise<readonly AuditEvent[]> {
      const { items } = await log.query({ from: 0, to: time.now + 1, limit: 1000, match: {} });
      return [...items].reverse();
    },
  };
}

describe('a flood of refused requests', () => {
  it('is so many rows a minute and one that tells how many more there were, and of which kinds', async () => {
    const { append, flood, rows, time } = bounded();
    await flood(EACH, { clientId: 'c', error: 'invalid_grant' });
    await flood(5, { clientId: 'c', error: 'invalid_scope' });
    await flood(40, { clientId: 'c', error: 'invalid_grant' });
    expect(await rows()).toHaveLength(EACH);
    time.now += MINUTE;
    await append({ type: 'token.issued', clientId: 'other' });
    const after = await rows();
    expect(after).toHaveLength(EACH + 2);
    expect(after.filter(({ count }) => count !== undefined)).toMatchObject([
      {
        type: 'token.refused',
        clientId: 'c',
        count: 45,
        reason: 'more refusals within a minute: invalid_grant 40, invalid_scope 5',
      },
    ]);
  });

  it('of one client leaves the rows of another alone; each minute begins anew', async () => {
    const { flood, rows, time } = bounded();
    await flood(EACH + 1, { clientId: 'c', error: 'invalid_grant' });
    await flood(3, { clientId: 'd', error: 'invalid_grant' });
    expect((await rows()).filter(({ clientId }) => clientId === 'd')).toHaveLength(3);
    time.now += MINUTE;
    await flood(2, { clientId: 'c', error: 'invalid_grant' });
    expect((await rows()).filter(({ at, count }) => at === time.now && count === undefined)).toHaveLength(2);
  });

  it('by callers who prove nothing is counted together, and leaves the rows of proven clients alone', async () => {
    const { flood, rows, flush } = bounded();
    await flood(EACH + 7, { error: 'invalid_client' });
    await flood(1, { clientId: 'c', error: 'invalid_grant' });
    await flush();
    const after = await rows();
    expect(after.filter(({ clientId }) => clientId === 'c')).toHaveLength(1);
    const [summary] = after.filter(({ count }) => count !== undefined);
    expect(summary).toMatchObject({ count: 7 });
    expect(summary?.clientId).toBeUndefined();
  });

  it("of a user's is that user's alone", async () => {
    const { flood, rows, flush } = bounded();
    await flood(EACH + 2, {
      type: 'grant.refused',
      subject: 'aad:t:eve',
      clientId: 'c',
      error: 'invalid_parameter',
    });
    await flood(1, {
      type: 'grant.refused',
      subject: 'aad:t:bob',
      clientId: 'c',
      error: 'invalid_parameter',
    });
    await flush();
    const after = await rows();
    expect(after.filter(({ subject }) => subject === 'aad:t:bob')).toHaveLength(1);
    const [summary] = after.filter(({ count }) => count !== undefined);
    expect(summary).toMatchObject({ type: 'grant.refused', subject: 'aad:t:eve', count: 2 });
    expect(summary?.clientId).toBeUndefined();
  });

  it('never hides what was issued, ended or revoked', async () => {
    const { append, flood, rows } = bounded();
    await flood(EACH + 50, { clientId: 'c', error: 'invalid_grant' });
    for (const type of ['token.issued', 'token.revoked', 'grant.ended'] as const) {
      await append({ type, clientId: 'c' });
    }
    expect((await rows()).filter(({ type }) => type !== 'token.refused')).toHaveLength(3);
  });

  it('that cannot be summed up does not stop the row that is written beside it, and is in the log', async () => {
    const { append, flood, rows, time, table, logged } = bounded();
    await flood(EACH + 1, { clientId: 'c', error: 'invalid_grant' });
    time.now += MINUTE;
    table.fail('insert', ['down']);
    await append({ type: 'token.issued', clientId: 'c' });
    expect((await rows()).at(-1)).toMatchObject({ type: 'token.issued' });
    expect(logged).toEqual(['counts of refusals could not be recorded']);
  });
});
