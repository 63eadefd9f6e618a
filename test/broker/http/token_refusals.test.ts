import { beforeAll, describe, expect, it } from 'vitest';
import { MAIL, NIGHTLY, WIDE, withBroker } from '../support/broker.js';
import { basic, exchangeForm, type Form, grantTo, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { expectError, recordOf } from '../support/oauth_errors.js';
import { GRAPH, ORDERS } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test);
});

describe('the grant type', () => {
  it.each(['password', 'client_credentials', 'urn:x', 'Refresh_Token', '__proto__'])(
    '%s is unsupported_grant_type (RFC 6749 §5.2)',
    async (name) => {
      expectError(
        await tokenCall(test, refreshForm(grantId, { grant_type: name })),
        'unsupported_grant_type',
      );
    },
  );

  it('not allowed for this client is unauthorized_client, one that is allowed goes on (RFC 6749 §5.2)', async () => {
    const mine = await grantTo(test, { client_id: MAIL.id, scope: 'orders.read' });
    const as = basic(MAIL.id, MAIL.secret);
    expectError(await tokenCall(test, exchangeForm(mine), as), 'unauthorized_client');
    expect((await tokenCall(test, refreshForm(mine), as)).status).toBe(200);
  });
});

describe('what is asked', () => {
  it.each([
    ['beyond the grant', 'orders.read orders.write orders.delete'],
    ['unknown', 'x'],
    ['in another case', 'Orders.Read'],
    ['with two spaces', 'orders.read  orders.write'],
    ['with a quote', 'orders"read'],
    ['outside ASCII', 'orders.re\u0430d'],
  ])('a scope %s is invalid_scope (RFC 6749 §5.2)', async (_, scope) => {
    expectError(await tokenCall(test, refreshForm(grantId, { scope })), 'invalid_scope');
    expectError(await tokenCall(test, exchangeForm(grantId, { scope })), 'invalid_scope');
  });

  it.each([
    ['unknown', 'api://gone'],
    ["policy's, but not this client's", 'api://nobodys'],
    ["this client's, but not the grant's", GRAPH],
    ['relative', 'orders'],
    ['with a fragment', `${ORDERS}#x`],
    ['with a slash more', `${ORDERS}/`],
    ['by an inherited name', '__proto__'],
  ])('a resource %s is invalid_target (RFC 8707 §2)', async (_, resource) => {
    expectError(await tokenCall(test, refreshForm(grantId, { resource })), 'invalid_target');
    expectError(await tokenCall(test, exchangeForm(grantId, { resource })), 'invalid_target');
    expectError(
      await tokenCall(test, exchangeForm(grantId, { resource: undefined, audience: resource })),
      'invalid_target',
    );
  });

  it('a token wider than asked, where policy does not allow it, is invalid_scope, and no token leaves', async () => {
    const mail = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' });
    test.entra.wider = [`${GRAPH}/User.Read`];
    const answer = await tokenCall(test, refreshForm(mail, { resource: GRAPH }));
    test.entra.wider = [];
    expectError(answer, 'invalid_scope');
    expect(answer.text).not.toContain('at.');
  });

  it('a token narrower than asked is invalid_scope', async () => {
    const wide = await grantTo(test, { resource: WIDE, scope: 'A B' });
    test.entra.answers((request, response, body) => {
      const oid = (new URLSearchParams(body).get('refresh_token') ?? '').split('.')[1] ?? '';
      const claims = Buffer.from(
        JSON.stringify({
          iss: test.entra.issuer,
          aud: '22222222-2222-4222-8222-222222222222',
          tid: '11111111-1111-4111-8111-111111111111',
          oid,
        }),
      ).toString('base64url');
      replies(200, { access_token: 'at', expires_in: 60, scope: `${WIDE}/A`, id_token: `e30.${claims}.` })(
        request,
        response,
        body,
      );
    });
    const answer = await tokenCall(test, refreshForm(wide, { resource: WIDE, scope: 'A B' }));
    test.entra.answers();
    expectError(answer, 'invalid_scope');
  });
});

describe('a grant that gives nothing', () => {
  const cases: [string, () => Promise<string>][] = [
    ['unknown', async () => `${'A'.repeat(43)}.${'B'.repeat(22)}`],
    ['that is no grant id', async () => "x' or true"],
    ['of another client', () => grantTo(test, { client_id: MAIL.id, scope: 'orders.read' })],
    [
      'that has expired',
      async () => {
        const short = await grantTo(test, { expires_in: 5 });
        test.time.now += 5000;
        return short;
      },
    ],
    [
      'that has been ended',
      async () => {
        const session = await signIn(test);
        const ended = await grantTo(test, {}, session);
        const asked = { method: 'DELETE', headers: session.headers, params: { grant_id: ended } };
        expect((await test.call('endGrant', asked)).status).toBe(204);
        return ended;
      },
    ],
    [
      'whose connection has been ended',
      async () => {
        const session = await signIn(test);
        const ended = await grantTo(test, {}, session);
        const asked = { method: 'DELETE', headers: session.headers, params: { provider: 'aad' } };
        expect((await test.call('endConnection', asked)).status).toBe(200);
        return ended;
      },
    ],
  ];

  it.each(cases)(
    '%s: invalid_grant for a refresh_token, invalid_request for a subject_token',
    async (_, make) => {
      const id = await make();
      const refreshed = await tokenCall(test, refreshForm(id));
      expectError(refreshed, 'invalid_grant');
      const exchanged = await tokenCall(test, exchangeForm(id));
      expectError(exchanged, 'invalid_request');
      // Which of these it was is for the audit alone.
      expect(refreshed.body.error_description).toBe('refresh_token is not a live grant of this client');
      expect(exchanged.body.error_description).toBe('subject_token is not a live grant of this client');
      expect(await recordOf(test, refreshed)).toMatchObject([{ reason: expect.stringMatching(/grant/) }]);
    },
  );
});

describe('a credential the provider has refused', () => {
  it('is invalid_grant by either grant type, for every resource of that user', async () => {
    const session = await signIn(test);
    const [mail, orders] = [
      await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, session),
      await grantTo(test, {}, session),
    ];
    test.entra.answers(replies(400, { error: 'invalid_grant', suberror: 'bad_token', error_codes: [50173] }));
    expectError(await tokenCall(test, refreshForm(mail, { resource: GRAPH })), 'invalid_grant');
    test.entra.answers();
    expectError(await tokenCall(test, exchangeForm(mail, { resource: GRAPH })), 'invalid_grant');
    expectError(await tokenCall(test, refreshForm(orders)), 'invalid_grant');
    expectError(await tokenCall(test, exchangeForm(orders)), 'invalid_grant');
  });

  it('for want of the user is interaction_required, with the claims to hand on', async () => {
    const mail = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' });
    const claims = '{"access_token":{"polids":{"essential":true}}}';
    test.entra.answers(replies(400, { error: 'interaction_required', error_codes: [50076], claims }));
    const answer = await tokenCall(test, refreshForm(mail, { resource: GRAPH }));
    test.entra.answers();
    expectError(answer, 'interaction_required');
    expect(answer.body.claims).toBe(claims);
  });

  it.each([
    ['a provider that asks for time', 429, { 'retry-after': '7' }, '7'],
    ['a provider that is away', 503, {}, undefined],
    ['a provider that refuses the app registration', 401, {}, undefined],
  ])('%s is 503 with Retry-After, and the reason is on the audit', async (_, status, headers, seconds) => {
    const mail = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' });
    test.entra.answers(replies(status, { error: status === 401 ? 'invalid_client' : 'x' }, headers));
    const answer = await tokenCall(test, refreshForm(mail, { resource: GRAPH }));
    test.entra.answers();
    expectError(answer, 'temporarily_unavailable', 503);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    if (seconds !== undefined) expect(answer.headers['retry-after']).toBe(seconds);
    const reason = status === 401 ? expect.any(String) : expect.stringMatching(/^transient: /);
    expect(await recordOf(test, answer)).toMatchObject([{ error: 'temporarily_unavailable', reason }]);
    test.time.now += 120_000;
  });
});

describe('the record of refusals', () => {
  it.each<[string, Form, Record<string, string>, Record<string, unknown>]>([
    [
      'of the form',
      { grant_type: undefined },
      basic(NIGHTLY.id, NIGHTLY.secret),
      { error: 'invalid_request', clientId: NIGHTLY.id },
    ],
    ['of the client', {}, basic(NIGHTLY.id, 'wrong'), { error: 'invalid_client', reason: 'wrong secret' }],
    [
      'of the grant type',
      { grant_type: 'password' },
      basic(NIGHTLY.id, NIGHTLY.secret),
      { error: 'unsupported_grant_type' },
    ],
    [
      'of the grant',
      { refresh_token: 'x' },
      basic(NIGHTLY.id, NIGHTLY.secret),
      { error: 'invalid_grant', reason: 'unknown grant', grantType: 'refresh_token' },
    ],
    [
      'of the scope',
      { scope: 'x' },
      basic(NIGHTLY.id, NIGHTLY.secret),
      { error: 'invalid_scope', clientId: NIGHTLY.id, grantType: 'refresh_token' },
    ],
    ['of the resource', { resource: GRAPH }, basic(NIGHTLY.id, NIGHTLY.secret), { error: 'invalid_target' }],
    [
      'of the issuing',
      { min_ttl: '9999' },
      basic(NIGHTLY.id, NIGHTLY.secret),
      { error: 'invalid_request', resource: ORDERS, subject: expect.any(String) },
    ],
  ])('has one row %s, with what was known by then', async (_, form, headers, expected) => {
    const answer = await tokenCall(test, refreshForm(grantId, form), headers);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const rows = await recordOf(test, answer);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject(expected);
  });

  it('names whose grant it was when a scope was refused', async () => {
    const answer = await tokenCall(test, refreshForm(grantId, { scope: 'orders.delete' }));
    expect(await recordOf(test, answer)).toMatchObject([
      { grantId, subject: expect.stringMatching(/^aad:/), resource: ORDERS, requestedScope: 'orders.delete' },
    ]);
  });
});
