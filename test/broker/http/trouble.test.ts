import { describe, expect, it } from 'vitest';
import { type Answer, callRoute, withBroker } from '../support/broker.js';
import { basic, grantTo, postJson, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';

const test = withBroker();

describe('with storage down', () => {
  const unavailable = (answer: Answer) => {
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONN|devstoreaccount/);
  };

  it('every endpoint is 503 with Retry-After, nothing is lost, and it comes back by itself', async () => {
    const user = await signIn(test);
    const grantId = await grantTo(test, {}, user);
    test.time.now += 10_000;
    test.link.cut();
    const grant = { client_id: 'nightly-report', resource: ORDERS, scope: 'orders.read' };
    unavailable(await tokenCall(test, refreshForm(grantId)));
    unavailable(await test.call('listConnections', user));
    unavailable(await test.call('createGrant', postJson(user, grant)));
    unavailable(await test.call('connect', { method: 'POST', headers: user.headers }));
    expect((await test.call('ready')).status).toBe(503);
    expect((await test.call('ready')).body).toEqual({ status: 'not ready' });
    test.link.mend();
    test.time.now += 10_000;
    expect((await tokenCall(test, refreshForm(grantId))).status).toBe(200);
    expect((await test.call('listConnections', user)).body.connections).toHaveLength(1);
    expect((await test.call('ready')).status).toBe(200);
  });

  it('a client that cannot prove itself is told so even then: who it is needs no storage', async () => {
    test.link.cut();
    const answer = await tokenCall(test, refreshForm('x'), basic('nobody', 'x'));
    test.link.mend();
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('health tells the anonymous nothing', () => {
  it('ready: 200 or 503, and a word; what is wrong goes to the log', async () => {
    expect(await test.call('ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
    const lost = test.compose({
      BROKER_AAD_ISSUER: `http://127.0.0.1:1/11111111-1111-4111-8111-111111111111/v2.0`,
    });
    const before = test.logged.length;
    const answer = await callRoute(lost, 'ready');
    expect(answer).toMatchObject({ status: 503, body: { status: 'not ready' } });
    expect(test.logged.slice(before).join()).toContain('provider aad');
  });
});

describe('metadata (RFC 8414) and keys (RFC 7517)', () => {
  it('name what is there, under the issuer as configured', async () => {
    const { status, body, headers } = await test.call('metadata');
    expect(status).toBe(200);
    expect(headers['cache-control']).toContain('max-age');
    expect(body).toMatchObject({
      issuer: 'http://localhost:8080',
      token_endpoint: 'http://localhost:8080/token',
      jwks_uri: 'http://localhost:8080/jwks',
      grant_types_supported: expect.arrayContaining(['refresh_token']),
    });
    expect(body.scopes_supported).toEqual([...body.scopes_supported].sort());
  });

  it('show public members only', async () => {
    const { body } = await test.call('jwks');
    expect(body.keys.length).toBeGreaterThan(0);
    for (const key of body.keys) expect(Object.keys(key)).not.toEqual(expect.arrayContaining(['d']));
  });
});

describe('no token is handed out that is not on the record', () => {
  it('with the audit gone there is no token, minted or not', async () => {
    const own = await signIn(test);
    const [orders, mail] = [
      await grantTo(test, {}, own),
      await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, own),
    ];
    await deleteTable('audit');
    for (const form of [refreshForm(orders), refreshForm(mail, { resource: GRAPH })]) {
      const answer = await tokenCall(test, form);
      expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
      expect(answer.text).not.toMatch(/access_token|at\./);
    }
    expect(test.logged.join()).toContain('a refusal could not be recorded');
  });
});

async function deleteTable(name: string): Promise<void> {
  const { TableClient } = await import('@azure/data-tables');
  await TableClient.fromConnectionString(test.tables.connectionString, name, {
    allowInsecureConnection: true,
  }).deleteTable();
}
