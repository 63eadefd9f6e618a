import { describe, expect, it } from 'vitest';
import { MAIL, NIGHTLY, withBroker } from '../support/broker.js';
import { grantTo, type Session, signIn } from '../support/calls.js';

const test = withBroker();
const endGrant = (headers: Session['headers'], grantId: string) =>
  test.call('endGrant', { method: 'DELETE', headers, params: { grant_id: grantId } });
const grants = (headers: Session['headers'], query = '') =>
  test.call('listGrants', { headers, url: `http://localhost:8080/grants${query}` });

async function appHeaders(appId = NIGHTLY.appId, more: Readonly<Record<string, unknown>> = {}) {
  return { authorization: `Bearer ${await test.entra.appToken(appId, test.time.now, more)}` };
}

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
