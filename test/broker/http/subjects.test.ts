import { describe, expect, it } from 'vitest';
import { NIGHTLY, policy, type TestBroker, withBroker } from '../support/broker.js';
import {
  ACCESS_TOKEN_TYPE,
  exchangeForm,
  grantTo,
  postJson,
  refreshForm,
  signIn,
  tokenCall,
} from '../support/calls.js';
import { TENANT } from '../support/issuer.js';
import { expectError, recordOf } from '../support/oauth_errors.js';
import { GRAPH, ORDERS, someone } from '../support/samples.js';

const test = withBroker();
const GROUP = '66666666-6666-4666-8666-666666666666';
const OVERAGE = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://x' } } };

/** The broker under a policy that says whom nightly-report may act for. */
function only(subjects: unknown): TestBroker {
  const client = { ...policy.clients[NIGHTLY.id], subjects };
  return test.under({ ...policy, clients: { ...policy.clients, [NIGHTLY.id]: client } });
}

/** A user of whom sign-in and every refresh say this. */
async function userWith(claims: Readonly<Record<string, unknown>>) {
  const oid = someone('user').id;
  test.entra.says.set(oid, claims);
  return { oid, session: await signIn(test, oid, claims) };
}

const ask = { client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.read' };

describe('whom a client may act for, when a grant is made', () => {
  it.each<[string, unknown, Readonly<Record<string, unknown>>]>([
    ['a tenant', { tenants: ['other', TENANT] }, {}],
    ['a group', { groups: ['other', GROUP] }, { groups: ['x', GROUP] }],
    ['an app role', { roles: ['Orders.User'] }, { roles: ['Orders.User'] }],
    ['all of these', { tenants: [TENANT], groups: [GROUP], roles: ['R'] }, { groups: [GROUP], roles: ['R'] }],
  ])('by %s: the user is in it', async (_, subjects, claims) => {
    const { session } = await userWith(claims);
    expect((await only(subjects).call('createGrant', postJson(session, ask))).status).toBe(201);
  });

  it.each<[string, unknown, Readonly<Record<string, unknown>>, RegExp]>([
    ['another tenant', { tenants: ['other'] }, {}, /tenant/],
    ['none of the groups', { groups: [GROUP] }, { groups: ['x'] }, /none of the groups/],
    [
      'a group by another case',
      { groups: [GROUP] },
      { groups: [GROUP.replace('6', 'G')] },
      /none of the groups/,
    ],
    ['groups that are not said', { groups: [GROUP] }, {}, /says nothing of groups/],
    ['more groups than are listed', { groups: [GROUP] }, OVERAGE, /groups overage/],
    [
      'more groups than are listed, said the other way',
      { groups: [GROUP] },
      { hasgroups: true },
      /groups overage/,
    ],
    ['overage beside a list', { groups: [GROUP] }, { ...OVERAGE, groups: [GROUP] }, /groups overage/],
    ['groups that are no list', { groups: [GROUP] }, { groups: GROUP }, /says nothing of groups/],
    ['no app role', { roles: ['R'] }, {}, /app roles/],
    ['the group, and not the role', { groups: [GROUP], roles: ['R'] }, { groups: [GROUP] }, /app roles/],
  ])('with %s: refused, and nothing is left behind', async (_, subjects, claims, reason) => {
    const { oid, session } = await userWith(claims);
    const answer = await only(subjects).call('createGrant', postJson(session, ask));
    expect(answer).toMatchObject({ status: 403, body: { code: 'access_denied' } });
    expect(answer.text).not.toContain(GROUP);
    const [row] = (await test.audited('grant.refused')).filter(({ subject }) => subject?.endsWith(`:${oid}`));
    expect(row?.reason).toMatch(reason);
    const { body } = await test.call('listConnections', { headers: session.headers });
    expect(body.connections).toEqual([]);
  });

  it('what the sign-in said must be what the credential proves: a user who has left the group since is refused', async () => {
    const { oid, session } = await userWith({ groups: [GROUP] });
    test.entra.says.set(oid, { groups: [] });
    const broker = only({ groups: [GROUP] });
    expect((await broker.call('createGrant', postJson(session, ask))).status).toBe(403);
  });

  it('a user who has joined since connecting is believed by a new sign-in, which renews the connection', async () => {
    const { oid, session } = await userWith({ groups: [] });
    await grantTo(test, {}, session);
    test.entra.says.set(oid, { groups: [GROUP] });
    const again = await signIn(test, oid, { groups: [GROUP] });
    const broker = only({ groups: [GROUP] });
    const answer = await broker.call('createGrant', postJson(again, ask));
    expect(answer.status).toBe(201);
    expect((await tokenCall(broker, refreshForm(answer.body.grant_id))).status).toBe(200);
  });
});

describe('whom a client may act for, when a token is issued', () => {
  it('a grant of before the rule gives nothing to who does not meet it: invalid_grant, in an exchange invalid_request', async () => {
    const { session } = await userWith({ groups: ['x'] });
    const grantId = await grantTo(test, {}, session);
    const broker = only({ groups: [GROUP] });
    const refused = await tokenCall(broker, refreshForm(grantId));
    expectError(refused, 'invalid_grant');
    expect(refused.text).not.toContain(GROUP);
    expect(await recordOf(test, refused)).toMatchObject([
      { reason: 'the user is in none of the groups that this client may act for', grantId },
    ]);
    expectError(await tokenCall(broker, exchangeForm(grantId)), 'invalid_request');
  });

  it('a refresh that says the user has left the group ends it, one that says they are back begins it again', async () => {
    const { oid, session } = await userWith({ groups: [GROUP] });
    const broker = only({ groups: [GROUP] });
    const grantId = await grantTo(broker, {}, session);
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
    test.entra.says.set(oid, {});
    expect((await test.call('connect', postJson(session, {}))).status).toBe(200);
    test.time.now += 5000;
    expectError(await tokenCall(broker, refreshForm(grantId)), 'invalid_grant');
    test.entra.says.set(oid, { groups: [GROUP] });
    expect((await broker.call('connect', postJson(session, {}))).status).toBe(200);
    expect((await tokenCall(broker, refreshForm(grantId))).status).toBe(200);
  });

  it('a refresh by whoever needs a token proves anew: what follows is held to it', async () => {
    const { oid, session } = await userWith({ groups: [GROUP] });
    const broker = only({ groups: [GROUP] });
    const grantId = await grantTo(broker, { resource: GRAPH, scope: 'Mail.Read' }, session);
    test.entra.says.set(oid, { groups: ['x'] });
    expect((await tokenCall(broker, refreshForm(grantId, { resource: GRAPH }))).status).toBe(200);
    expectError(await tokenCall(broker, refreshForm(grantId, { resource: GRAPH })), 'invalid_grant');
  });

  it("an exchanged token's own word counts before the connection's", async () => {
    const { oid, session } = await userWith({ groups: ['x'] });
    await grantTo(test, {}, session);
    const broker = only({ groups: [GROUP] });
    const exchange = async (claims: Readonly<Record<string, unknown>>) => {
      const token = await test.entra.userToken(oid, test.time.now, claims);
      return tokenCall(
        broker,
        exchangeForm(token, { subject_token_type: ACCESS_TOKEN_TYPE, resource: ORDERS }),
      );
    };
    expect((await exchange({ groups: [GROUP] })).status).toBe(200);
    expectError(await exchange({}), 'invalid_request');
    expectError(await exchange({ hasgroups: true }), 'invalid_request');
  });

  it("an exchanged token for another audience does not speak of this app's roles", async () => {
    const { oid, session } = await userWith({});
    await grantTo(test, {}, session);
    const client = {
      ...policy.clients[NIGHTLY.id],
      subjects: { roles: ['R'] },
      subjectAudiences: ['api://b', 'api://token-broker'],
    };
    const broker = test.under({ ...policy, clients: { [NIGHTLY.id]: client } });
    const exchange = async (aud: string) => {
      const token = await test.entra.userToken(oid, test.time.now, { aud, roles: ['R'] });
      return tokenCall(broker, exchangeForm(token, { subject_token_type: ACCESS_TOKEN_TYPE }));
    };
    expect((await exchange('api://token-broker')).status).toBe(200);
    expectError(await exchange('api://b'), 'invalid_request');
  });

  it('without a rule everybody is allowed, as ever', async () => {
    const { session } = await userWith(OVERAGE);
    expect((await tokenCall(test, refreshForm(await grantTo(test, {}, session)))).status).toBe(200);
  });
});
