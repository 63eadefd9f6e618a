import { beforeAll, describe, expect, it } from 'vitest';
import { createConnectionStore } from '../../../shared/adapters/tables/connections.js';
import { createTables } from '../../../shared/adapters/tables/service.js';
import { NIGHTLY, policy, type TestBroker, withBroker } from '../support/broker.js';
import {
  basic,
  exchangeForm,
  FORM,
  formText,
  grantTo,
  postJson,
  refreshForm,
  signIn,
  tokenCall,
} from '../support/calls.js';
import { TENANT } from '../support/issuer.js';
import { recordOf } from '../support/oauth_errors.js';
import { ORDERS } from '../support/samples.js';

const test = withBroker();
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The broker under a policy that limits nightly-report. */
function limited(limits: unknown): TestBroker {
  const client = { ...policy.clients[NIGHTLY.id], limits };
  return test.under({ ...policy, clients: { ...policy.clients, [NIGHTLY.id]: client } });
}

/** The provider has said that the credential is gone: the grant stands, and waiting mends nothing. */
async function bury(oid: string): Promise<void> {
  const { connectionString } = test.tables;
  const store = createConnectionStore(createTables({ connectionString })('connections'));
  const found = await store.find({ provider: 'aad', tenant: TENANT, id: oid });
  if (!found) throw new Error('no connection');
  const { refreshToken: _, ...rest } = found.value;
  expect(await store.replace({ ...rest, state: 'dead' }, found.etag)).toBe(true);
}

/** A window nobody has spent of. */
function nextDay(): void {
  test.time.now = (Math.floor(test.time.now / 86_400_000) + 1) * 86_400_000;
}

let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test, {}, await signIn(test, 'alice'));
});

const statuses = async (calls: readonly Promise<{ status: number }>[]) =>
  (await Promise.all(calls)).map(({ status }) => status);
const times = <T>(count: number, call: () => T): T[] => Array.from({ length: count }, call);

describe('a client over its limit', () => {
  it('is answered 429 with Retry-After and an error of RFC 6749 §5.2 (RFC 6585 §4), until the minute is over', async () => {
    nextDay();
    const broker = limited({ perMinute: 3 });
    test.time.now += 20_500;
    expect(await statuses(times(3, () => tokenCall(broker, refreshForm(grantId))))).toEqual([200, 200, 200]);
    const answer = await tokenCall(broker, refreshForm(grantId));
    expect(answer).toMatchObject({
      status: 429,
      headers: { 'retry-after': '40', 'cache-control': 'no-store', pragma: 'no-cache' },
      body: { error: 'temporarily_unavailable', error_description: expect.stringMatching(/too many/) },
    });
    expect(Object.keys(answer.body).sort()).toEqual(['error', 'error_description']);
    expect(await recordOf(test, answer)).toMatchObject([
      { error: 'rate_limited', clientId: NIGHTLY.id, grantType: 'refresh_token', grantId },
    ]);
    test.time.now += 39_500;
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
  });

  it('is over it on every instance, and of many requests at once no more pass than the limit', async () => {
    nextDay();
    const instances = [limited({ perMinute: 10 }), limited({ perMinute: 10 })];
    const calls = instances.flatMap((broker) => times(12, () => tokenCall(broker, refreshForm(grantId))));
    const answered = await statuses(calls);
    expect(answered.filter((status) => status === 200)).toHaveLength(10);
    expect(answered.filter((status) => status === 429)).toHaveLength(14);
  });

  it('of the day waits for the next day, and what the minute refuses does not use up the day', async () => {
    nextDay();
    const broker = limited({ perMinute: 2, perDay: 4 });
    expect(await statuses(times(5, () => tokenCall(broker, refreshForm(grantId))))).toEqual(
      expect.arrayContaining([200, 200, 429, 429, 429]),
    );
    test.time.now += 60_000;
    for (let asked = 0; asked < 2; asked++) {
      expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
    }
    test.time.now += 60_000;
    const answer = await tokenCall(broker, refreshForm(grantId));
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': String(86_400 - 120) } });
  });

  it('of one grant type has its other grant types still, each with the limit policy gives it', async () => {
    nextDay();
    const broker = limited({ perMinute: 1, grantTypes: { [TOKEN_EXCHANGE]: { perMinute: 2 } } });
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(429);
    expect(await statuses(times(2, () => tokenCall(broker, exchangeForm(grantId))))).toEqual([200, 200]);
    expect((await tokenCall(broker, exchangeForm(grantId))).status).toBe(429);
  });
});

describe('a flood of refused requests', () => {
  it('leaves a bounded number of rows, and at the end of the process one that counts the rest', async () => {
    nextDay();
    const broker = limited(undefined);
    const from = test.time.now;
    const flood = times(320, () => tokenCall(broker, refreshForm(grantId), basic(NIGHTLY.id, 'wrong')));
    expect(new Set(await statuses(flood))).toEqual(new Set([401]));
    expect((await tokenCall(broker, refreshForm('unknown'))).status).toBe(400);
    await broker.broker.stop();
    const rows = (await test.audited('token.refused')).filter(({ at }) => at >= from);
    const [summary, ...others] = rows.filter(({ count }) => count !== undefined);
    expect(summary).toMatchObject({ count: 20, reason: 'more refusals within a minute: invalid_client 20' });
    expect(others).toEqual([]);
    expect(rows).toHaveLength(302);
    expect(rows.filter(({ clientId }) => clientId === NIGHTLY.id)).toHaveLength(1);
  });
});

describe('nothing that recovers is limited', () => {
  it('a dead connection is invalid_grant, not 429: waiting would not mend it', async () => {
    nextDay();
    const broker = limited({ perMinute: 1 });
    const bob = await signIn(test, 'bob');
    const dead = await grantTo(test, {}, bob);
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
    expect((await tokenCall(broker, refreshForm(dead))).status).toBe(429);
    await bury(bob.oid);
    test.time.now += 5000;
    const answer = await tokenCall(broker, refreshForm(dead));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('a refused request spends nothing', async () => {
    nextDay();
    const broker = limited({ perMinute: 1 });
    const refused = [
      refreshForm('unknown'),
      refreshForm(grantId, { scope: 'orders.delete' }),
      refreshForm(grantId, { resource: 'api://nobodys' }),
    ];
    for (const form of refused) expect((await tokenCall(broker, form)).status).toBe(400);
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
  });

  it('who does not prove to be the client spends nothing of it', async () => {
    nextDay();
    const broker = limited({ perMinute: 1 });
    const junk = times(20, () => tokenCall(broker, refreshForm(grantId), basic(NIGHTLY.id, 'wrong')));
    expect(new Set(await statuses(junk))).toEqual(new Set([401]));
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
  });

  it('revocation, introspection, connecting and granting go on', async () => {
    nextDay();
    const broker = limited({ perMinute: 1, perDay: 1 });
    const session = await signIn(test, 'alice');
    const { body } = await tokenCall(broker, refreshForm(grantId));
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(429);
    const client = { method: 'POST', headers: { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) } };
    for (let asked = 0; asked < 3; asked++) {
      const introspected = await broker.call('introspect', {
        ...client,
        body: formText({ token: body.access_token }),
      });
      expect(introspected.body).toMatchObject({ active: true });
    }
    expect((await broker.call('connect', postJson(session, {}))).status).toBe(200);
    const granted = { client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.read' };
    const again = await broker.call('createGrant', postJson(session, granted));
    expect(again.status).toBe(201);
    const revoked = await broker.call('revoke', {
      ...client,
      body: formText({ token: again.body.grant_id }),
    });
    expect(revoked.status).toBe(200);
  });
});
