import { beforeEach, describe, expect, it } from 'vitest';
import { SECOND, withBroker } from '../support/broker.js';
import {
  ACCESS_TOKEN_TYPE,
  basic,
  exchangeForm,
  grantTo,
  refreshForm,
  type Session,
  signIn,
  tokenCall,
} from '../support/calls.js';
import { expectError } from '../support/oauth_errors.js';
import { GRAPH, ORDERS, someone } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
const CHALLENGE = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';

let alice: Session;
let grantId = '';
beforeEach(async () => {
  test.entra.answers();
  alice = await signIn(test, someone('alice').id);
  grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, alice);
});

/** The question for `/authorize`, as far as the broker knows it. */
function questionOf(uri: unknown): Record<string, string> {
  const { origin, pathname, searchParams } = new URL(String(uri));
  expect(`${origin}${pathname}`).toBe('http://localhost:8080/authorize');
  return Object.fromEntries(searchParams);
}

const asked = () => ({ response_type: 'code', client_id: 'nightly-report', resource: GRAPH });

describe('a refusal that only the user can mend says where to send them', () => {
  it('interaction_required, with the challenge to meet (OpenID Connect Core §3.1.2.6)', async () => {
    test.entra.answers(replies(400, { error: 'interaction_required', claims: CHALLENGE }));
    const answer = await tokenCall(test, refreshForm(grantId, { resource: GRAPH, scope: 'Mail.Read' }));
    expectError(answer, 'interaction_required');
    const question = questionOf(answer.body.reconsent_uri);
    expect(question).toEqual({ ...asked(), scope: 'Mail.Read', claims: CHALLENGE });
  });

  it('invalid_grant where the connection has died (RFC 6749 §5.2)', async () => {
    test.entra.answers(replies(400, { error: 'invalid_grant', suberror: 'bad_token', error_codes: [50173] }));
    const answer = await tokenCall(test, refreshForm(grantId, { resource: GRAPH }));
    expectError(answer, 'invalid_grant');
    expect(questionOf(answer.body.reconsent_uri)).toEqual({ ...asked(), scope: 'Mail.Read' });
  });

  it('interaction_required where the user has not allowed the client (RFC 8693 §2.2.2)', async () => {
    const orders = await grantTo(test, { scope: 'orders.read' }, alice);
    const { access_token: own } = (await tokenCall(test, refreshForm(orders))).body;
    await test.call('endGrant', { method: 'DELETE', params: { grant_id: orders }, headers: alice.headers });
    const form = exchangeForm(own, { subject_token_type: ACCESS_TOKEN_TYPE, scope: 'orders.read' });
    const answer = await tokenCall(test, form);
    expectError(answer, 'interaction_required');
    expect(questionOf(answer.body.reconsent_uri)).toEqual({
      ...asked(),
      resource: ORDERS,
      scope: 'orders.read',
    });
  });

  it('a grant that is none of the client’s is no question to ask', async () => {
    const answer = await tokenCall(
      test,
      refreshForm(grantId, { resource: GRAPH }),
      basic(SECOND.id, SECOND.secret),
    );
    expectError(answer, 'invalid_grant');
    expect(answer.body.reconsent_uri).toBeUndefined();
  });

  it('while the provider is away there is nothing to ask: 503 with Retry-After (RFC 9110 §10.2.3)', async () => {
    test.entra.answers((_, response) => response.writeHead(503).end());
    const answer = await tokenCall(test, refreshForm(grantId, { resource: GRAPH }));
    expectError(answer, 'temporarily_unavailable', 503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.body.reconsent_uri).toBeUndefined();
  });
});
