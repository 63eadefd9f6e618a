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
import { GRAPH } from '../support/samples.js';
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
