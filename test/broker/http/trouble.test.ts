import { describe, expect, it } from 'vitest';
import type { HttpRoute } from '../../../shared/compose.js';
import { type Answer, callRoute, withBroker } from '../support/broker.js';
import {
  basic,
  FORM,
  formText,
  grantTo,
  postJson,
  refreshForm,
  signIn,
  tokenCall,
} from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();

describe('nothing that is secret leaves', () => {
  const secrets =
    /canary|rt\.[\w-]+\.\d|at\.[\w-]+\.\d|eyJ|s1\.|of nightly|of mail-agent|of the app registration/;

  it('neither in a refusal nor in the log, whatever goes wrong', async () => {
    const fresh = test.compose({});
    const from = test.logged.length;
    const user = await signIn(test);
    const answers: Answer[] = [];
    const call = async (route: HttpRoute, asked: Parameters<typeof callRoute>[2]) => {
      answers.push(await callRoute(fresh, route, asked));
    };
    const form = { method: 'POST', headers: { ...FORM, ...basic('nightly-report', 'canary-secret') } };
    await call('token', {
      ...form,
      body: formText(refreshForm('canary-grant', { scope: 'canary', resource: 'api://canary' })),
    });
    await call('token', { ...form, body: 'twice=canary&twice=canary&grant_type=canary' });
    await call('token', {
      method: 'POST',
      headers: { ...FORM, authorization: 'Bearer eyJcanary' },
      body: 'x=1',
    });
    await call('listConnections', { headers: { ...user.headers, 'x-ms-client-principal-id': 'canary' } });
    await call(
      'createGrant',
      postJson(user, { client_id: 'canary', resource: 'api://canary', scope: 'canary' }),
    );
    await call('createGrant', { ...postJson(user, {}), body: '{"canary":' });
    await call('endGrant', { method: 'DELETE', headers: user.headers, params: { grant_id: 'canary' } });
    const leaky = {
      error: 'invalid_grant',
      error_description: 'canary',
      suberror: 'can ary',
      trace_id: 'eyJ canary',
    };
    test.entra.answers(replies(400, leaky));
    await call('connect', { method: 'POST', headers: user.headers });
    test.entra.answers((request) => void request.socket.destroy());
    await call('connect', { method: 'POST', headers: user.headers });
    test.entra.answers();
    for (const answer of answers) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toMatch(secrets);
    }
    expect(test.logged.slice(from).join('\n')).not.toMatch(secrets);
  });

  it('nor into a table: credentials and tokens are there only sealed', async () => {
    const user = await signIn(test);
    await tokenCall(test, refreshForm(await grantTo(test, {}, user)));
    const mail = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, user);
    expect((await tokenCall(test, refreshForm(mail, { resource: GRAPH }))).status).toBe(200);
    const { TableClient, TableServiceClient } = await import('@azure/data-tables');
    const options = { allowInsecureConnection: true };
    const { connectionString } = test.tables;
    const names: string[] = [];
    for await (const { name } of TableServiceClient.fromConnectionString(
      connectionString,
      options,
    ).listTables()) {
      if (name !== undefined) names.push(name);
    }
    let rows = 0;
    for (const name of names) {
      for await (const row of TableClient.fromConnectionString(
        connectionString,
        name,
        options,
      ).listEntities()) {
        rows++;
        expect(JSON.stringify(row)).not.toMatch(
          /rt\.[\w-]+\.\d|at\.[\w-]+\.\d|eyJ|of nightly|of mail-agent|canary-secret/,
        );
      }
    }
    expect(names).toEqual(expect.arrayContaining(['connections', 'grants']));
    expect(rows).toBeGreaterThan(5);
  });
});

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

  it('ready: 503 while the refresh timer stands still, which requests notice too; 200 once it runs again', async () => {
    const before = test.logged.length;
    test.time.now += 10 * 60_000;
    await tokenCall(test, refreshForm('x'), basic('nobody', 'x'));
    expect(test.logged.slice(before).join()).toContain('event timer.stale');
    expect((await test.call('ready')).status).toBe(503);
    expect(test.logged.slice(before).join()).toContain('the refresh timer has not run');
    await test.broker.findDue();
    test.time.now += 10_000;
    expect((await test.call('ready')).status).toBe(200);
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
