import { beforeAll, describe, expect, it } from 'vitest';
import { NIGHTLY, withBroker } from '../support/broker.js';
import { basic, exchangeForm, type Form, grantTo, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { expectError, recordOf } from '../support/oauth_errors.js';
import { GRAPH, ORDERS } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test);
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
