import { beforeAll, describe, expect, it } from 'vitest';
import { MAIL, WIDE, withBroker } from '../support/broker.js';
import { exchangeForm, grantTo, refreshForm, signIn, tokenCall } from '../support/calls.js';
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
    const answer = await tokenCall(test, refreshForm(wide, { resource: WIDE }));
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
