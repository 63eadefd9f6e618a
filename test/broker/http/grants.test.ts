import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostileText } from '../support/arbitraries.js';
import { MAIL, NIGHTLY, withBroker } from '../support/broker.js';
import { grantTo, postJson, type Session, signIn } from '../support/calls.js';
import { ORDERS } from '../support/samples.js';

const test = withBroker();
const good = { client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.read' };
const endGrant = (headers: Session['headers'], grantId: string) =>
  test.call('endGrant', { method: 'DELETE', headers, params: { grant_id: grantId } });
const grants = (headers: Session['headers'], query = '') =>
  test.call('listGrants', { headers, url: `http://localhost:8080/grants${query}` });
async function appHeaders(appId = NIGHTLY.appId, more: Readonly<Record<string, unknown>> = {}) {
  return { authorization: `Bearer ${await test.entra.appToken(appId, test.time.now, more)}` };
}

describe('POST /grants', () => {
  it('is 201 with the grant, and makes the connection', async () => {
    const alice = await signIn(test);
    const answer = await test.call('createGrant', postJson(alice, { ...good, expires_in: 3600 }));
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      grant_id: expect.stringMatching(/^[\w-]{43}\.[\w-]{22}$/),
      subject: `aad:11111111-1111-4111-8111-111111111111:${alice.oid}`,
      client_id: NIGHTLY.id,
      resource: ORDERS,
      scope: 'orders.read',
      state: 'live',
      created_at: new Date(test.time.now).toISOString(),
      expires_at: new Date(test.time.now + 3_600_000).toISOString(),
    });
    expect((await test.call('listConnections', alice)).body.connections).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['no client', { ...good, client_id: undefined }],
    ['an unknown client', { ...good, client_id: 'nobody' }],
    ['a client that is no text', { ...good, client_id: { toString: 'x' } }],
    ['an empty client', { ...good, client_id: '' }],
    ['a list of clients', { ...good, client_id: [NIGHTLY.id] }],
    ['no resource', { ...good, resource: undefined }],
    ['an unknown resource', { ...good, resource: 'api://gone' }],
    ['a relative resource', { ...good, resource: 'orders' }],
    ['a resource with a fragment', { ...good, resource: `${ORDERS}#x` }],
    ['no scope', { ...good, scope: undefined }],
    ['a scope that is a list', { ...good, scope: ['orders.read'] }],
    ['an unknown scope', { ...good, scope: 'x' }],
    ["a scope beyond the client's", { ...good, client_id: MAIL.id, scope: 'orders.write' }],
    ['a scope with a quote', { ...good, scope: 'a"b' }],
    ['no time at all', { ...good, expires_in: 0 }],
    ['a negative time', { ...good, expires_in: -1 }],
    ['a fraction of a second', { ...good, expires_in: 1.5 }],
    ['a time that is a text', { ...good, expires_in: '60' }],
    ['a time that is null', { ...good, expires_in: null }],
    ['longer than policy allows', { ...good, expires_in: 31 * 86_400 }],
    ['a time beyond all sense', { ...good, expires_in: 1e300 }],
    ['an unknown member', { ...good, admin: true }],
    ['a list', [good]],
    ['null', null],
    ['a text', 'x'],
  ])('with %s is 400 invalid_parameter', async (_, body) => {
    const answer = await test.call('createGrant', postJson(await signIn(test), body));
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
  });

  it.each(['', '{', '{"client_id":', 'undefined'])('with a body of %j is 400', async (body) => {
    const asked = { ...postJson(await signIn(test), {}), body };
    expect(await test.call('createGrant', asked)).toMatchObject({
      status: 400,
      body: { code: 'invalid_parameter' },
    });
  });

  it('with members by inherited names is refused like any unknown member', async () => {
    for (const body of ['{"__proto__":{"client_id":"x"}}', '{"constructor":1}']) {
      const asked = { ...postJson(await signIn(test), {}), body };
      expect((await test.call('createGrant', asked)).status).toBe(400);
    }
  });

  it('with a body over 64 KiB is 413', async () => {
    const asked = postJson(await signIn(test), { ...good, x: 'x'.repeat(70_000) });
    expect(await test.call('createGrant', asked)).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large' },
    });
  });

  it('never breaks, and never repeats what it was sent', async () => {
    const alice = await signIn(test);
    const anything = fc.dictionary(
      fc.constantFrom('client_id', 'resource', 'scope', 'expires_in', 'x'),
      fc.oneof(
        fc.jsonValue(),
        hostileText.map((text) => `canary${text}`),
      ),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (body) => {
        const answer = await test.call('createGrant', postJson(alice, body));
        expect(answer.status).toBe(400);
        expect(answer.text).not.toContain('canary');
      }),
      { numRuns: 80 },
    );
  });

  it('puts its refusals on the audit, with what was asked', async () => {
    const alice = await signIn(test);
    await test.call('createGrant', postJson(alice, { ...good, scope: 'orders.delete' }));
    await test.call('createGrant', postJson(alice, 'x'));
    const rows = (await test.audited('grant.refused')).filter(({ subject }) => subject?.endsWith(alice.oid));
    const [asked] = rows.filter(({ clientId }) => clientId !== undefined);
    expect(rows).toHaveLength(2);
    expect(asked).toMatchObject({
      error: 'invalid_parameter',
      clientId: NIGHTLY.id,
      resource: ORDERS,
      requestedScope: 'orders.delete',
      reason: expect.stringContaining('scope'),
    });
  });
});

describe('GET /grants', () => {
  it("lists a user's own: the live ones, or all", async () => {
    const [alice, bob] = [await signIn(test), await signIn(test)];
    const [kept, over] = [await grantTo(test, {}, alice), await grantTo(test, {}, alice)];
    await grantTo(test, {}, bob);
    await endGrant(alice.headers, over);
    const ids = (answer: { body: { grants: { grant_id: string }[] } }) =>
      answer.body.grants.map((grant) => grant.grant_id);
    expect(ids(await grants(alice.headers))).toEqual([kept]);
    expect(ids(await grants(alice.headers, '?state=all')).sort()).toEqual([kept, over].sort());
  });

  it("lists those given to a client, by its app's own token, page by page", async () => {
    const given = [await grantTo(test), await grantTo(test), await grantTo(test)];
    await grantTo(test, { client_id: MAIL.id, scope: 'orders.read' });
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await grants(await appHeaders(), `?state=all&limit=2${cursor}`);
      for (const grant of body.grants) {
        expect(grant.client_id).toBe(NIGHTLY.id);
        seen.push(grant.grant_id);
      }
      cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(seen.length);
    for (const grantId of given) expect(seen).toContain(grantId);
  });

  it('pages a user too', async () => {
    const alice = await signIn(test);
    const given = [
      await grantTo(test, {}, alice),
      await grantTo(test, {}, alice),
      await grantTo(test, {}, alice),
    ];
    const first = await grants(alice.headers, '?limit=2');
    expect(first.body.grants).toHaveLength(2);
    const second = await grants(alice.headers, `?limit=2&cursor=${first.body.next_cursor}`);
    const seen = [...first.body.grants, ...second.body.grants].map(({ grant_id }) => grant_id);
    expect(seen.sort()).toEqual(given.sort());
  });

  it('an app that is no client is 403', async () => {
    const headers = await appHeaders('99999999-3333-4333-8333-333333333333');
    expect((await grants(headers)).status).toBe(403);
  });

  it.each([
    '?state=ended',
    '?state=live&state=all',
    '?limit=0',
    '?limit=1001',
    '?limit=x',
    '?limit=1&limit=2',
    '?cursor=x',
    '?cursor=',
    '?user=bob',
    '?state[]=all',
    '?__proto__=x',
    "?cursor=' or true",
  ])('%s is 400 invalid_parameter', async (query) => {
    const alice = await signIn(test);
    expect(await grants(alice.headers, query)).toMatchObject({
      status: 400,
      body: { code: 'invalid_parameter' },
    });
  });
});

describe('DELETE /grants/{grant_id}', () => {
  it('is for its user and for its client; twice is no error', async () => {
    const alice = await signIn(test);
    const [one, two] = [await grantTo(test, {}, alice), await grantTo(test, {}, alice)];
    expect((await endGrant(alice.headers, one)).status).toBe(204);
    expect((await endGrant(alice.headers, one)).status).toBe(204);
    expect((await endGrant(await appHeaders(), two)).status).toBe(204);
    const over = (await grants(alice.headers, '?state=all')).body.grants;
    expect(over.map(({ ended_by }: { ended_by: string }) => ended_by).sort()).toEqual(['client', 'subject']);
  });

  it("anybody else's, or what is no grant, is 404 and stays", async () => {
    const [alice, bob] = [await signIn(test), await signIn(test)];
    const mine = await grantTo(test, { client_id: MAIL.id, scope: 'orders.read' }, alice);
    expect((await endGrant(bob.headers, mine)).status).toBe(404);
    expect((await endGrant(await appHeaders(), mine)).status).toBe(404);
    for (const text of ['', 'x', `${mine}x`, '../x', "x' or true", '%00', '__proto__']) {
      expect((await endGrant(alice.headers, text)).status).toBe(404);
    }
    expect((await grants(alice.headers)).body.grants).toHaveLength(1);
  });

  it('an app that is no client is not told whether there is such a grant', async () => {
    const grantId = await grantTo(test);
    const headers = await appHeaders('99999999-3333-4333-8333-333333333333');
    const [there, absent] = [
      await endGrant(headers, grantId),
      await endGrant(headers, `${'A'.repeat(43)}.${'B'.repeat(22)}`),
    ];
    expect(there.status).toBeGreaterThanOrEqual(403);
    expect(there.status).toBe(absent.status);
  });
});
