import { describe, expect, it } from 'vitest';
import { NIGHTLY, policy, WIDE, withBroker } from '../support/broker.js';
import {
  ACCESS_TOKEN_TYPE,
  basic,
  exchangeForm,
  type Form,
  grantTo,
  refreshForm,
  signIn,
  tokenCall,
} from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';

const test = withBroker();
const ways: readonly [string, (grantId: string, more?: Form) => Form][] = [
  ['refresh_token (RFC 6749 §6)', refreshForm],
  ['token exchange (RFC 8693 §2)', exchangeForm],
];

describe.each(ways)('a token by %s', (_, form) => {
  it('is 200 JSON that nobody may keep, with the type of what was issued', async () => {
    const answer = await tokenCall(test, form(await grantTo(test)));
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'orders.read orders.write',
      narrowing: 'minted',
    });
  });

  it('holds exactly the scopes that were asked', async () => {
    const answer = await tokenCall(test, form(await grantTo(test), { scope: 'orders.read' }));
    const claims = JSON.parse(Buffer.from(answer.body.access_token.split('.')[1], 'base64url').toString());
    expect(answer.body.scope).toBe('orders.read');
    expect(claims).toMatchObject({ scope: 'orders.read', aud: ORDERS, client_id: NIGHTLY.id });
    expect(claims.act.sub).toBe(NIGHTLY.id);
  });

  it('never outlives its grant', async () => {
    const grantId = await grantTo(test, { expires_in: 100 });
    test.time.now += 40_000;
    expect((await tokenCall(test, form(grantId))).body.expires_in).toBe(60);
  });

  it('lives as long as the least of what policy says of its resource and of its client', async () => {
    const grantId = await grantTo(test);
    const life = async (maxTokenSeconds: number) => {
      const client = { ...policy.clients[NIGHTLY.id], maxTokenSeconds };
      const broker = test.under({ ...policy, clients: { ...policy.clients, [NIGHTLY.id]: client } });
      const { body } = await tokenCall(broker, form(grantId));
      const { iat, exp } = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString());
      expect(exp - iat).toBe(body.expires_in);
      return body.expires_in;
    };
    const { expires_in: ofResource } = (await tokenCall(test, form(grantId))).body;
    expect(await life(90)).toBe(90);
    expect(await life(3600)).toBe(ofResource);
  });

  it('of a token that says who alone may act says the same (RFC 8693 §4.4)', async () => {
    const session = await signIn(test);
    await grantTo(test, {}, session);
    const may_act = { sub: NIGHTLY.id };
    const minted = async (more: object) => {
      const token = await test.entra.userToken(session.oid, test.time.now, { ...more });
      const asked = exchangeForm(token, { subject_token_type: ACCESS_TOKEN_TYPE, resource: ORDERS });
      const { access_token } = (await tokenCall(test, asked)).body;
      return JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url').toString());
    };
    expect((await minted({ may_act })).may_act).toEqual(may_act);
    expect(await minted({})).not.toHaveProperty('may_act');
  });

  it('may be asked for by audience instead of resource', async () => {
    const answer = await tokenCall(
      test,
      form(await grantTo(test), { resource: undefined, audience: ORDERS }),
    );
    expect(answer.status).toBe(200);
  });

  it("of a provider's resource is the provider's own, and says that it was narrowed", async () => {
    const grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' });
    const answer = await tokenCall(test, form(grantId, { resource: GRAPH }));
    expect(answer.body).toMatchObject({
      access_token: expect.stringMatching(/^at\./),
      expires_in: 3600,
      scope: 'Mail.Read',
      narrowing: 'provider',
    });
  });

  it('that holds more than was asked says so, where policy lets it through at all', async () => {
    const grantId = await grantTo(test, { resource: WIDE, scope: 'A' });
    test.entra.wider = [`${WIDE}/B`, `${WIDE}/C`];
    const answer = await tokenCall(test, form(grantId, { resource: WIDE }));
    test.entra.wider = [];
    expect(answer.body).toMatchObject({ scope: 'A B C', narrowing: 'none' });
    const issued = (await test.audited('token.issued')).filter((row) => row.grantId === grantId);
    expect(issued).toMatchObject([{ requestedScope: 'A', scope: 'A B C', narrowing: 'none' }]);
  });

  it('leaves one audit row, and the row does not hold it', async () => {
    const grantId = await grantTo(test);
    const { body } = await tokenCall(test, form(grantId));
    const rows = (await test.audited('token.issued')).filter((row) => row.grantId === grantId);
    expect(rows).toMatchObject([
      { clientId: NIGHTLY.id, resource: ORDERS, narrowing: 'minted', scope: body.scope },
    ]);
    expect(JSON.stringify(rows)).not.toContain(body.access_token);
  });
});

describe('min_ttl', () => {
  it('is met by a refresh where it must be', async () => {
    const grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' });
    const form = refreshForm(grantId, { resource: GRAPH });
    const first = await tokenCall(test, form);
    test.time.now += 30 * 60_000;
    const session = { ...form, min_ttl: '1700' };
    expect((await tokenCall(test, session)).body.access_token).toBe(first.body.access_token);
    const second = await tokenCall(test, { ...form, min_ttl: '3500' });
    expect(second.body.expires_in).toBeGreaterThanOrEqual(3500);
    expect(second.body.access_token).not.toBe(first.body.access_token);
  });

  it('that no token can have is invalid_request, minted or not', async () => {
    const minted = await tokenCall(test, refreshForm(await grantTo(test), { min_ttl: '601' }));
    expect(minted).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' });
    const vended = await tokenCall(test, refreshForm(grantId, { resource: GRAPH, min_ttl: '3601' }));
    expect(vended).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it.each(['-1', '1.5', 'soon', '86401', '1e3', ' 5', '9999999'])('%j is invalid_request', async (minTtl) => {
    const answer = await tokenCall(test, refreshForm(await grantTo(test), { min_ttl: minTtl }));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });
});

describe('client authentication', () => {
  it('works in each way there is, with the same outcome', async () => {
    const form = refreshForm(await grantTo(test));
    const token = await test.entra.appToken(NIGHTLY.appId, test.time.now);
    const assertion = {
      client_assertion: token,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    };
    const answers = await Promise.all([
      tokenCall(test, form, basic(NIGHTLY.id, NIGHTLY.secret)),
      tokenCall(test, { ...form, client_id: NIGHTLY.id }, basic(NIGHTLY.id, NIGHTLY.secret)),
      tokenCall(test, { ...form, client_id: NIGHTLY.id, client_secret: NIGHTLY.secret }, {}),
      tokenCall(test, form, { authorization: `Bearer ${token}` }),
      tokenCall(test, { ...form, client_id: NIGHTLY.id }, { authorization: `bearer ${token}` }),
      tokenCall(test, { ...form, ...assertion }, {}),
      tokenCall(test, { ...form, ...assertion, client_id: NIGHTLY.id }, {}),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(7).fill(200));
  });

  it('an app id is known in whatever case the token writes it', async () => {
    const token = await test.entra.appToken(NIGHTLY.appId.toUpperCase(), test.time.now);
    const answer = await tokenCall(test, refreshForm(await grantTo(test)), {
      authorization: `Bearer ${token}`,
    });
    expect(answer.status).toBe(200);
  });

  it('cookies and a session are of no account here', async () => {
    const session = await signIn(test);
    const grantId = await grantTo(test, {}, session);
    const answer = await tokenCall(test, refreshForm(grantId), {
      ...session.headers,
      cookie: 'AppServiceAuthSession=x',
    });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});
