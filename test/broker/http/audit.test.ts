import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hostileText } from '../support/arbitraries.js';
import { NIGHTLY, withBroker } from '../support/broker.js';
import { grantTo, refreshForm, type Session, signIn, tokenCall } from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
const AUDITOR = { roles: ['Audit.Read'] };
const OTHER_APP = '55555555-5555-4555-8555-555555555555';
let audra: Session;
let alice: Session;
let grantId = '';

const events = (query = '', headers: Session['headers'] = audra.headers) =>
  test.call('auditEvents', { headers, url: `http://localhost:8080/audit/events${query}` });
const failures = (query = '', headers: Session['headers'] = audra.headers) =>
  test.call('refreshFailures', { headers, url: `http://localhost:8080/audit/refresh-failures${query}` });
const both = [
  ['/audit/events', events],
  ['/audit/refresh-failures', failures],
] as const;

beforeAll(async () => {
  [audra, alice] = await Promise.all([signIn(test, 'audra', AUDITOR), signIn(test, 'alice')]);
  grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, alice);
  test.entra.answers(replies(503, {}, { 'retry-after': '1' }));
  for (let count = 0; count < 3; count++) {
    await tokenCall(test, refreshForm(grantId, { resource: GRAPH }));
    test.time.now += 10_000;
  }
  test.entra.answers();
  await tokenCall(test, refreshForm(grantId, { resource: GRAPH }));
  test.time.now += 10_000;
});

describe.each(both)('%s is for auditors alone', (_, query) => {
  it('a user with the role, and an app with it', async () => {
    expect((await query()).status).toBe(200);
    const app = await test.entra.appToken(OTHER_APP, test.time.now, AUDITOR);
    expect((await query('', { authorization: `Bearer ${app}` })).status).toBe(200);
  });

  it('a user without it, a client without it, or with a role that only looks like it: 403', async () => {
    expect(await query('', alice.headers)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    for (const roles of [[], ['audit.read'], ['Audit.Read.All'], 'Audit.Read', [['Audit.Read']]]) {
      const session = await signIn(test, 'eve', { roles });
      expect((await query('', session.headers)).status).toBe(403);
      const app = await test.entra.appToken(NIGHTLY.appId, test.time.now, { roles });
      expect((await query('', { authorization: `Bearer ${app}` })).status).toBe(403);
    }
  });

  it('anybody else: 401', async () => {
    expect((await query('', {})).status).toBe(401);
    expect((await query('', { authorization: 'Bearer x' })).status).toBe(401);
  });

  it('and reading it is itself on the record, with who read', async () => {
    const answer = await query();
    const rows = (await test.audited('audit.read')).filter(
      ({ correlationId }) => correlationId === answer.headers['x-correlation-id'],
    );
    expect(rows).toMatchObject([{ actor: 'aad:11111111-1111-4111-8111-111111111111:audra' }]);
  });
});

describe('GET /audit/events', () => {
  it('shows what happened, newest first', async () => {
    const { body } = await events(`?client_id=${NIGHTLY.id}`);
    const times = body.events.map(({ at }: { at: string }) => at);
    expect(times).toEqual([...times].sort().reverse());
    const types = body.events.map(({ type }: { type: string }) => type);
    expect(types).toEqual(expect.arrayContaining(['grant.created', 'token.refused', 'token.issued']));
    expect(body.events.find(({ type }: { type: string }) => type === 'token.issued')).toMatchObject({
      subject: `aad:11111111-1111-4111-8111-111111111111:${alice.oid}`,
      client_id: NIGHTLY.id,
      resource: GRAPH,
      scope: 'Mail.Read',
      narrowing: 'provider',
      grant_id: grantId,
      grant_type: 'refresh_token',
    });
  });

  it('is filtered by what it is asked for', async () => {
    const of = async (query: string) => (await events(query)).body.events;
    expect((await of(`?grant_id=${grantId}&type=token.issued`)).length).toBe(1);
    expect(await of(`?grant_id=${grantId}&type=grant.ended`)).toEqual([]);
    expect(await of(`?resource=${encodeURIComponent(ORDERS)}`)).toEqual([]);
    const subject = encodeURIComponent(`aad:11111111-1111-4111-8111-111111111111:${alice.oid}`);
    expect((await of(`?subject=${subject}&type=connection.created`)).length).toBe(1);
  });

  it('takes a span of time, in UTC where no zone is named', async () => {
    const at = (offset: number) => new Date(test.time.now + offset).toISOString();
    const count = async (query: string) => (await events(query)).body.events.length;
    expect(await count(`?from=${at(-3_600_000)}&to=${at(-1_800_000)}`)).toBe(0);
    expect(await count(`?from=${at(-60_000)}`)).toBeGreaterThan(3);
    expect(await count(`?from=${at(-60_000).replace('Z', '')}`)).toBe(
      (await count(`?from=${at(-60_000)}`)) - 1,
    );
    expect((await events(`?from=${at(-60_000).replace('Z', '%2B00:00')}`)).status).toBe(200);
  });

  it('pages by a cursor that stays good while rows come in, and each page adds one', async () => {
    const seen = new Set<string>();
    let total = 0;
    let cursor = '';
    do {
      const { body } = await events(`?limit=3${cursor}`);
      for (const { id } of body.events) seen.add(id);
      total += body.events.length;
      cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    expect(seen.size).toBe(total);
    expect(total).toBeGreaterThan(6);
  });

  it('a cursor of another query does not widen this one', async () => {
    const { body } = await events('?limit=1');
    const later = await events(`?type=grant.ended&cursor=${body.next_cursor}`);
    expect(later).toMatchObject({ status: 200, body: { events: [] } });
  });

  it.each([
    '?type=token.stolen',
    '?type=',
    '?from=yesterday',
    '?from=2026-13-45',
    '?from=2026-11-23T99:99',
    '?from=1e3',
    '?to=',
    '?from=2026-11-24&to=2026-11-23',
    '?from=2026-11-23&to=2026-11-23',
    '?limit=0',
    '?limit=1001',
    '?limit=-1',
    '?limit=1e2',
    '?limit=',
    '?cursor=x',
    '?cursor=',
    '?subject=a&subject=b',
    '?subject[]=x%20or%20true',
    '?x=1',
    '?__proto__=x',
    '?class=transient',
    `?subject=${'x'.repeat(1025)}`,
    '?subject=%00',
    '?client_id=a%0Ab',
    `?cursor=${Buffer.from("1.2' or true or 'x' eq 'x").toString('base64url')}`,
  ])('%s is 400 invalid_parameter', async (query) => {
    expect(await events(query)).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
  });

  it('no filter reaches a row it does not name', async () => {
    const name = fc.constantFrom('subject', 'client_id', 'resource', 'grant_id');
    await fc.assert(
      fc.asyncProperty(name, hostileText, async (parameter, text) => {
        const answer = await events(`?${new URLSearchParams({ [parameter]: text })}`);
        if (answer.status === 200) expect(answer.body.events).toEqual([]);
        else expect(answer.status).toBe(400);
      }),
      { numRuns: 60 },
    );
  });
});

describe('GET /audit/refresh-failures', () => {
  it('shows the end of the trouble: from what, since when, after how many attempts', async () => {
    const { body } = await failures();
    const [recovered, , , first] = body.failures;
    expect(recovered).toMatchObject({
      class: 'recovered',
      recovered_from: 'transient',
      failing_since: first.at,
      attempt: 3,
      resource: GRAPH,
    });
    expect((await failures('?class=recovered')).body.failures).toEqual([recovered]);
  });

  it('shows each failure with class, error, attempt, next attempt and what to do', async () => {
    const { body } = await failures('?class=transient');
    expect(body.failures).toHaveLength(3);
    expect(body.failures.map(({ attempt }: { attempt: number }) => attempt)).toEqual([3, 2, 1]);
    expect(body.failures[2]).toMatchObject({
      subject: `aad:11111111-1111-4111-8111-111111111111:${alice.oid}`,
      provider: 'aad',
      resource: GRAPH,
      scope: 'Mail.Read',
      class: 'transient',
      status: 503,
      error: 'unreadable_answer',
      codes: [],
      cause: 'token',
      action: expect.any(String),
      next_attempt_at: expect.stringMatching(/Z$/),
    });
  });

  it('is filtered by what it is asked for', async () => {
    expect((await failures('?class=transient&provider=aad')).body.failures).toHaveLength(3);
    expect((await failures('?class=grant_dead')).body.failures).toEqual([]);
  });

  it('names the client that asked, in failures and recovery, and is filtered by it', async () => {
    const all = (await failures()).body.failures;
    expect(all).toHaveLength(4);
    for (const row of all) expect(row.client_ids).toEqual([NIGHTLY.id]);
    expect((await failures(`?client_id=${NIGHTLY.id}`)).body.failures).toEqual(all);
    expect((await failures(`?client_id=${NIGHTLY.id}&class=recovered`)).body.failures).toHaveLength(1);
    expect((await failures('?client_id=mail-agent')).body.failures).toEqual([]);
  });

  it('no filter reaches a row it does not name', async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, async (text) => {
        const answer = await failures(`?${new URLSearchParams({ client_id: text })}`);
        if (answer.status === 200) expect(answer.body.failures).toEqual([]);
        else expect(answer.status).toBe(400);
      }),
      { numRuns: 30 },
    );
  });

  it.each(['?class=dead', '?type=token.issued', '?client_id=a%0Ab', '?limit=x', '?provider=a&provider=b'])(
    '%s is 400 invalid_parameter',
    async (query) => {
      expect(await failures(query)).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    },
  );
});
