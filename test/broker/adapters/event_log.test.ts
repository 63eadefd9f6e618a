import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAuditLog, createFailureLog } from '../../../shared/adapters/tables/audit.js';
import type { AuditEvent, RefreshFailure } from '../../../shared/domain/audit_event.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import type { AuditLog, AuditMatch, LogQuery } from '../../../shared/ports.js';
import { hostileText } from '../support/arbitraries.js';
import { withFaults } from '../support/faulty_table.js';
import { refusalOf } from '../support/refusals.js';
import { overwrite, withTables } from '../support/tables.js';

const tables = withTables();
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 12);
const WEEK = { from: NOW - 7 * 24 * HOUR, to: NOW + 1, limit: 100, match: {} };

let count = 0;
function event(at: number, more: Partial<AuditEvent> = {}): AuditEvent {
  return { id: `id-${String(++count).padStart(6, '0')}`, at, type: 'token.issued', ...more };
}

async function pages(log: AuditLog, query: LogQuery<AuditMatch>): Promise<AuditEvent[][]> {
  const found: AuditEvent[][] = [];
  let cursor: string | undefined;
  do {
    const page = await log.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    found.push([...page.items]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

describe('the audit log', () => {
  it('gives back every member of an event as it was appended', async () => {
    const log = createAuditLog(tables.table());
    const whole: AuditEvent = {
      id: 'a',
      at: NOW,
      type: 'token.issued',
      subject: 'aad:t:alice',
      clientId: 'nightly-report',
      actor: 'timer',
      resource: 'api://orders',
      scope: 'a b',
      requestedScope: 'a',
      narrowing: 'none',
      grantId: 'g',
      grantType: 'refresh_token',
      tokenId: 'j',
      expiresAt: NOW + 5,
      error: 'invalid_scope',
      reason: "it's",
      correlationId: 'c',
    };
    await log.append(whole);
    expect((await log.query(WEEK)).items).toEqual([whole]);
  });

  it('is read newest first, across hours', async () => {
    const log = createAuditLog(tables.table());
    const times = [NOW - 30 * HOUR, NOW, NOW - 1, NOW - HOUR, NOW - 5 * HOUR];
    for (const at of times) await log.append(event(at));
    const read = (await log.query(WEEK)).items.map(({ at }) => at);
    expect(read).toEqual([...times].sort((a, b) => b - a));
  });

  it('from is in the range, to is not', async () => {
    const log = createAuditLog(tables.table());
    for (const at of [NOW - HOUR, NOW - 1, NOW, NOW + 1, NOW + HOUR]) await log.append(event(at));
    const between = async (from: number, to: number) =>
      (await log.query({ ...WEEK, from, to })).items.map(({ at }) => at - NOW);
    expect(await between(NOW, NOW + 1)).toEqual([0]);
    expect(await between(NOW - 1, NOW + 1)).toEqual([0, -1]);
    expect(await between(NOW - HOUR, NOW + HOUR)).toEqual([1, 0, -1, -HOUR]);
    expect(await between(NOW + 2, NOW + 3)).toEqual([]);
    expect(await between(0, Date.UTC(9999, 11, 31))).toHaveLength(5);
  });

  it('pages are stable while rows come in: nothing twice, nothing missed of what was there', async () => {
    const log = createAuditLog(tables.table());
    const there = Array.from({ length: 23 }, (_, index) => event(NOW - Math.floor(index / 3) * 20 * 60_000));
    for (const item of there) await log.append(item);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await log.query({ ...WEEK, limit: 5, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
      await log.append(event(NOW));
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    for (const { id } of there) expect(seen).toContain(id);
  });

  it('a cursor does not lead out of the range that is asked for', async () => {
    const log = createAuditLog(tables.table());
    for (const minutes of [0, 1, 2, 3]) await log.append(event(NOW - minutes * 60_000));
    const { cursor } = await log.query({ ...WEEK, limit: 1 });
    const later = { ...WEEK, to: NOW - 2 * 60_000 + 1, ...(cursor === undefined ? {} : { cursor }) };
    expect((await log.query(later)).items.map(({ at }) => (NOW - at) / 60_000)).toEqual([2, 3]);
  });

  it.each([
    '',
    'x',
    'a.b.c',
    Buffer.from("a.b' or true").toString('base64url'),
    Buffer.from('a').toString('base64url'),
  ])('a cursor it did not give out (%j) is invalid_parameter', async (cursor) => {
    const log = createAuditLog(tables.table());
    expect((await refusalOf(() => log.query({ ...WEEK, cursor }))).code).toBe('invalid_parameter');
  });

  it('is filtered by any of its columns, together', async () => {
    const log = createAuditLog(tables.table());
    const [a, b] = [
      event(NOW, {
        subject: 'aad:t:a',
        clientId: 'one',
        resource: 'api://x',
        grantId: 'g1',
        type: 'grant.ended',
      }),
      event(NOW, { subject: 'aad:t:b', clientId: 'one', resource: 'api://y', grantId: 'g2' }),
    ];
    await log.append(a);
    await log.append(b);
    const ids = async (match: Partial<AuditMatch>) =>
      (await log.query({ ...WEEK, match })).items.map(({ id }) => id);
    expect(await ids({ clientId: 'one' })).toHaveLength(2);
    expect(await ids({ clientId: 'one', subject: 'aad:t:a' })).toEqual([a.id]);
    expect(await ids({ resource: 'api://y' })).toEqual([b.id]);
    expect(await ids({ grantId: 'g1', type: 'grant.ended' })).toEqual([a.id]);
    expect(await ids({ type: 'grant.ended', grantId: 'g2' })).toEqual([]);
  });

  it('pages through a filter that matches few of many', async () => {
    const log = createAuditLog(tables.table());
    for (let index = 0; index < 30; index++) {
      await log.append(event(NOW - index * HOUR, { clientId: index % 10 === 0 ? 'rare' : 'often' }));
    }
    const found = await pages(log, { ...WEEK, limit: 2, match: { clientId: 'rare' } });
    expect(found.flat().map(({ at }) => (NOW - at) / HOUR)).toEqual([0, 10, 20]);
  });

  it('a filter is only ever a value: no text in it reaches another row', async () => {
    const log = createAuditLog(tables.table());
    await log.append(event(NOW, { subject: 'victim', clientId: 'victim' }));
    await fc.assert(
      fc.asyncProperty(hostileText, hostileText, async (subject, clientId) => {
        fc.pre(subject !== 'victim');
        expect((await log.query({ ...WEEK, match: { subject, clientId } })).items).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('finds a hostile value by itself', async () => {
    const log = createAuditLog(tables.table());
    for (const subject of ["' or true", "it''s", "x' or PartitionKey ne '", '%00', '\u{1f600}&+#']) {
      const appended = event(NOW, { subject });
      await log.append(appended);
      expect((await log.query({ ...WEEK, match: { subject } })).items).toEqual([appended]);
    }
  });

  it('a value that is no text, or a column that is none, is a fault of ours and reads nothing', async () => {
    const log = createAuditLog(tables.table());
    for (const match of [
      { subject: ['x or true'] },
      { subject: { toString: () => 'x' } },
      { 'a or true': 'x' },
    ]) {
      const query: unknown = Reflect.apply(log.query, log, [{ ...WEEK, match }]);
      await expect(query).rejects.toThrow(TypeError);
    }
  });

  it.each([
    ['of a later schema', { schema: 2 }],
    ['of an unknown type', { schema: 1, id: 'i', at: new Date(NOW).toISOString(), type: 'token.stolen' }],
    ['without its time', { schema: 1, id: 'i', type: 'token.issued' }],
  ])('a row %s is an error and not an absence', async (_, columns) => {
    const name = tables.name();
    const log = createAuditLog(tables.table(name));
    await log.append(event(NOW));
    for await (const stored of tables.raw(name).listEntities()) {
      const { partitionKey = '', rowKey = '' } = stored;
      await overwrite(tables.raw(name), { partitionKey, rowKey, ...columns });
    }
    await expect(log.query(WEEK)).rejects.toThrow(Unreadable);
  });

  it('rows of one moment share a partition, and no partition holds more than a moment', async () => {
    const name = tables.name();
    const log = createAuditLog(tables.table(name));
    const second = Array.from({ length: 20 }, (_, index) => event(NOW + index * 50));
    await Promise.all(second.map((item) => log.append(item)));
    const partitions = new Map<string, number>();
    for await (const { partitionKey = '' } of tables.raw(name).listEntities()) {
      partitions.set(partitionKey, (partitions.get(partitionKey) ?? 0) + 1);
    }
    expect([...partitions.values()]).toEqual([5, 5, 5, 5]);
  });

  it('many appends of one moment are all kept', async () => {
    const log = createAuditLog(tables.table());
    await Promise.all(Array.from({ length: 40 }, () => log.append(event(NOW))));
    expect((await log.query(WEEK)).items).toHaveLength(40);
  });
});

describe('an append that resolves is durable', () => {
  it.each(['applied_but_conflict', 'applied_but_down', 'down'] as const)(
    'also when the write it shares with others goes wrong (%s)',
    async (fault) => {
      const table = withFaults(tables.table());
      const log = createAuditLog(table);
      table.fail('commit', [fault]);
      const events = Array.from({ length: 12 }, () => event(NOW));
      const appended = await Promise.allSettled(events.map((item) => log.append(item)));
      const stored = new Set((await log.query(WEEK)).items.map(({ id }) => id));
      events.forEach(({ id }, index) => {
        if (appended[index]?.status === 'fulfilled') expect(stored).toContain(id);
      });
      expect(appended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    },
  );

  it('also when one of the rows it shares a write with is taken', async () => {
    const table = tables.table();
    const log = createAuditLog(table);
    const taken = event(NOW);
    await log.append(taken);
    const events = [event(NOW), event(NOW), event(NOW), taken, event(NOW)];
    await Promise.all(events.map((item) => log.append(item)));
    expect((await log.query(WEEK)).items).toHaveLength(5);
  });
});

describe('the failure log', () => {
  it('gives back every member of a failure, with its codes as numbers', async () => {
    const log = createFailureLog(tables.table());
    const failure: RefreshFailure = {
      id: 'f',
      at: NOW,
      subject: 'aad:t:alice',
      provider: 'aad',
      resource: 'https://graph.microsoft.test',
      scope: 'Mail.Read',
      class: 'user_action_required',
      status: 400,
      error: 'invalid_grant',
      suberror: 'basic_action',
      codes: [50079, 50076],
      traceId: 't-1',
      attempt: 2,
      nextAttemptAt: NOW + 1,
      cause: 'timer',
      action: 'sign in again',
    };
    await log.append(failure);
    const [read] = (await log.query({ ...WEEK, match: { class: 'user_action_required', provider: 'aad' } }))
      .items;
    expect(read).toEqual(failure);
  });
});
