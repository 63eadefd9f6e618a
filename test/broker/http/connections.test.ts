import { describe, expect, it } from 'vitest';
import { NIGHTLY, withBroker } from '../support/broker.js';
import { grantTo, type Session, signIn } from '../support/calls.js';
import { GRAPH, someone } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
const connect = (session: Session) => test.call('connect', { method: 'POST', headers: session.headers });
const endConnection = (session: Session, provider = 'aad') =>
  test.call('endConnection', { method: 'DELETE', headers: session.headers, params: { provider } });
const grants = (headers: Session['headers'], query = '') =>
  test.call('listGrants', { headers, url: `http://localhost:8080/grants${query}` });

async function appHeaders(appId = NIGHTLY.appId, more: Readonly<Record<string, unknown>> = {}) {
  return { authorization: `Bearer ${await test.entra.appToken(appId, test.time.now, more)}` };
}

describe('POST /connections', () => {
  it('is 201 when made and 200 when renewed, and shows no token', async () => {
    const alice = await signIn(test);
    const made = await connect(alice);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      provider: 'aad',
      subject: `aad:11111111-1111-4111-8111-111111111111:${alice.oid}`,
      state: 'active',
      created_at: expect.stringMatching(/Z$/),
    });
    expect(made.text).not.toMatch(/rt\.|at\.|s1\./);
    expect((await connect(alice)).status).toBe(200);
  });

  it('without a refresh token is 422 refresh_token_missing, and says what to configure', async () => {
    const { headers } = await signIn(test);
    const { 'x-ms-token-aad-refresh-token': _, ...rest } = headers;
    for (const given of [rest, { ...rest, 'x-ms-token-aad-refresh-token': '' }]) {
      const answer = await test.call('connect', { method: 'POST', headers: given });
      expect(answer).toMatchObject({ status: 422, body: { code: 'refresh_token_missing' } });
      expect(answer.body.detail).toContain('loginParameters');
    }
  });

  it("with another user's refresh token is 422 identity_mismatch, and nothing is stored", async () => {
    const alice = await signIn(test);
    const headers = { ...alice.headers, 'x-ms-token-aad-refresh-token': 'rt.mallory.0' };
    const answer = await test.call('connect', { method: 'POST', headers });
    expect(answer).toMatchObject({ status: 422, body: { code: 'identity_mismatch' } });
    expect((await test.call('listConnections', alice)).body).toEqual({ connections: [] });
  });

  it.each([
    ['refused', 400, { error: 'invalid_grant', suberror: 'bad_token' }, 422, 'credential_rejected'],
    ['away', 503, {}, 503, 'temporarily_unavailable'],
  ])('by a provider that is %s', async (_, status, body, expected, code) => {
    const alice = await signIn(test);
    test.entra.answers(replies(status, body));
    const answer = await connect(alice);
    test.entra.answers();
    expect(answer).toMatchObject({ status: expected, body: { code } });
    if (expected === 503) expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  });

  it('puts its refusals on the audit, with who was refused and why', async () => {
    const { oid, headers } = await signIn(test);
    const { 'x-ms-token-aad-refresh-token': _, ...rest } = headers;
    const answer = await test.call('connect', { method: 'POST', headers: rest });
    const rows = (await test.audited('connection.refused')).filter(({ subject }) => subject?.endsWith(oid));
    expect(rows).toMatchObject([
      { error: 'refresh_token_missing', correlationId: answer.headers['x-correlation-id'] },
    ]);
  });

  it('is for users: an app is 403', async () => {
    const answer = await test.call('connect', { method: 'POST', headers: await appHeaders() });
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('GET and DELETE /connections', () => {
  it("list the caller's own, and never a token", async () => {
    const [alice, bob] = [await signIn(test), await signIn(test)];
    await connect(alice);
    const answer = await test.call('listConnections', alice);
    expect(answer.body.connections).toHaveLength(1);
    expect(answer.text).not.toMatch(/rt\.|at\.|s1\./);
    expect((await test.call('listConnections', bob)).body.connections).toEqual([]);
  });

  it('end it with its grants, and say what became of them and at the provider', async () => {
    const alice = await signIn(test);
    const grantId = await grantTo(test, {}, alice);
    expect(await endConnection(alice)).toMatchObject({
      status: 200,
      body: { provider: 'aad', state: 'ended', grants_ended: 1, provider_revocation: 'not_supported' },
    });
    expect((await test.call('listConnections', alice)).body.connections).toEqual([]);
    const [over] = (await grants(alice.headers, '?state=all')).body.grants;
    expect(over).toMatchObject({ grant_id: grantId, state: 'ended', ended_by: 'connection_ended' });
  });

  it('there is none to end: 404, also by any other name', async () => {
    const alice = await signIn(test);
    expect((await endConnection(alice)).status).toBe(404);
    await connect(alice);
    for (const provider of ['google', '', 'AAD', '__proto__', '../aad', "aad' or true"]) {
      expect((await endConnection(alice, provider)).status).toBe(404);
    }
    expect((await test.call('listConnections', alice)).body.connections).toHaveLength(1);
    expect((await endConnection(alice)).status).toBe(200);
    expect((await endConnection(alice)).status).toBe(404);
  });

  it('connecting again is 201, and no old grant is live', async () => {
    const alice = await signIn(test);
    await grantTo(test, {}, alice);
    await endConnection(alice);
    expect((await connect(alice)).status).toBe(201);
    expect((await grants(alice.headers)).body.grants).toEqual([]);
  });
});

describe('the provider is asked for nothing a user has not allowed', () => {
  it('only the bare credential, until a grant for a resource of its own is used', async () => {
    test.entra.forms.length = 0;
    const alice = await signIn(test, someone('alice').id);
    await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, alice);
    const scopes = test.entra.forms.map((form) => new URLSearchParams(form).get('scope'));
    expect(scopes).toEqual(['openid profile offline_access']);
  });
});
