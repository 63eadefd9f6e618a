import { beforeEach, describe, expect, it } from 'vitest';
import { readClaims } from '../../../shared/domain/claims_request.js';
import { MOST_CHALLENGES } from '../../../shared/flows/challenge_budget.js';
import { authorizeForm, formOf, newVerifier, press, sentTo, visit } from '../support/authorizing.js';
import { PUBLIC, WIDE, withBroker } from '../support/broker.js';
import { formText, grantTo, refreshForm, type Session, signIn, tokenCall } from '../support/calls.js';
import { expectError } from '../support/oauth_errors.js';
import { GRAPH, ORDERS, someone } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
const CHALLENGE = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const OTHER = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}';

let alice: Session;
let grantId = '';
beforeEach(async () => {
  alice = await signIn(test, someone('alice').id);
  test.entra.answers();
  grantId = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, alice);
});

const ask = (more = {}) => tokenCall(test, refreshForm(grantId, { resource: GRAPH, ...more }));
const claimsSent = () => test.entra.forms.map((form) => new URLSearchParams(form).get('claims'));
const refusing = (more: object) =>
  test.entra.answers(replies(400, { error: 'invalid_grant', error_codes: [50076], ...more }));

describe('a claims challenge that the client hands on', () => {
  it('reaches the provider with the capability to take the next one, and passes the kept token by', async () => {
    const before = (await ask()).body.access_token;
    const answer = await ask({ claims: CHALLENGE });
    expect(answer.status).toBe(200);
    expect(answer.body.access_token).not.toBe(before);
    expect(JSON.parse(claimsSent().at(-1) ?? '')).toEqual({
      access_token: { acrs: { essential: true, value: 'c1' }, xms_cc: { values: ['cp1'] } },
    });
  });

  it('an ordinary refresh sends none: without being asked no capability is claimed', async () => {
    await ask();
    expect(claimsSent().at(-1)).toBeNull();
  });

  it('its token is for those who show the same challenge, and nobody else', async () => {
    const stepped = (await ask({ claims: CHALLENGE })).body.access_token;
    const spaced = CHALLENGE.replace('":{', '" : {');
    expect((await ask({ claims: spaced })).body.access_token).toBe(stepped);
    expect((await ask()).body.access_token).not.toBe(stepped);
    expect((await ask({ claims: OTHER })).body.access_token).not.toBe(stepped);
    expect((await ask({ claims: CHALLENGE })).body.access_token).toBe(stepped);
  });

  it('the token the resource has turned down is served to nobody any more', async () => {
    const refused = (await ask()).body.access_token;
    await ask({ claims: CHALLENGE });
    expect((await ask()).body.access_token).not.toBe(refused);
  });

  it('shown again a minute later it is answered anew', async () => {
    const first = (await ask({ claims: CHALLENGE })).body.access_token;
    test.time.now += 60_000;
    expect((await ask({ claims: CHALLENGE })).body.access_token).not.toBe(first);
  });

  it('new ones are bounded for a user and resource; what is kept is served on, and the next minute is free', async () => {
    test.time.now = (Math.floor(test.time.now / 60_000) + 1) * 60_000;
    const made = (n: number) => ({ claims: `{"access_token":{"nonsense":{"value":"${n}"}}}` });
    for (let n = 0; n < MOST_CHALLENGES; n++) expect((await ask(made(n))).status).toBe(200);
    const last = (await ask(made(MOST_CHALLENGES - 1))).body.access_token;
    const asked = test.entra.forms.length;
    const refused = await ask(made(MOST_CHALLENGES));
    expectError(refused, 'temporarily_unavailable', 429);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await ask(made(MOST_CHALLENGES - 1))).body.access_token).toBe(last);
    expect(test.entra.forms).toHaveLength(asked);
    expect((await ask()).status).toBe(200);
    const bob = await grantTo(test, { resource: GRAPH, scope: 'Mail.Read' }, await signIn(test));
    const others = await tokenCall(test, refreshForm(bob, { resource: GRAPH, ...made(0) }));
    expect(others.status).toBe(200);
    test.time.now += 60_000;
    expect((await ask(made(MOST_CHALLENGES))).status).toBe(200);
  });

  it('that keep failing are no way round the wait after failures', async () => {
    test.time.now = (Math.floor(test.time.now / 60_000) + 1) * 60_000;
    test.entra.answers(replies(503, {}));
    const asked = test.entra.forms.length;
    for (let n = 0; n < 3 * MOST_CHALLENGES; n++) {
      await ask({ claims: `{"access_token":{"nonsense":{"value":"${n}"}}}` });
    }
    expect(test.entra.forms.length - asked).toBeLessThanOrEqual(2 * MOST_CHALLENGES);
  });

  it.each([
    ['no JSON', '{'],
    ['another token', '{"id_token":{"acr":null}}'],
    ['too long', `{"access_token":{"a":{"value":"${'x'.repeat(5000)}"}}}`],
  ])('%s is invalid_request and asks nobody', async (_, claims) => {
    const asked = test.entra.forms.length;
    const answer = await ask({ claims });
    expectError(answer, 'invalid_request');
    expect(answer.body.error_description).toContain('claims');
    expect(test.entra.forms).toHaveLength(asked);
  });

  it('is invalid_request where the token is minted: nobody would look at it', async () => {
    const minted = await grantTo(test, { scope: 'orders.read' }, alice);
    expectError(await tokenCall(test, refreshForm(minted, { claims: CHALLENGE })), 'invalid_request');
  });
});

describe('a claims challenge that the provider raises', () => {
  it('is in the answer to the letter, beside interaction_required, and in the failure log', async () => {
    refusing({ suberror: 'basic_action', claims: CHALLENGE });
    const answer = await ask();
    expectError(answer, 'interaction_required');
    expect(answer.body.claims).toBe(CHALLENGE);
    const auditor = await signIn(test, someone('audra').id, { roles: ['Audit.Read'] });
    const url = `${PUBLIC}/audit/refresh-failures?limit=5&subject=aad:11111111-1111-4111-8111-111111111111:${alice.oid}`;
    const { body } = await test.call('refreshFailures', { url, headers: auditor.headers });
    expect(body.failures[0]).toMatchObject({ class: 'user_action_required', claims: CHALLENGE });
  });

  it('is given to everybody until the user has signed in, without asking the provider again', async () => {
    refusing({ suberror: 'basic_action', claims: CHALLENGE });
    await ask();
    const asked = test.entra.forms.length;
    expect((await ask()).body.claims).toBe(CHALLENGE);
    expect(test.entra.forms).toHaveLength(asked);
  });

  it('for a challenge handed on says nothing against the ordinary token', async () => {
    await ask();
    refusing({ suberror: 'basic_action', claims: CHALLENGE });
    expectError(await ask({ claims: CHALLENGE }), 'interaction_required');
    expect((await ask()).status).toBe(200);
  });

  it('is answered at /authorize: the user signs in with it, and the credential is renewed', async () => {
    refusing({ suberror: 'basic_action', claims: CHALLENGE });
    const { claims } = (await ask()).body;
    test.entra.answers();
    const asked = formText(authorizeForm(newVerifier(), { resource: GRAPH, scope: 'Mail.Read', claims }));
    const login = sentTo(await visit(test, asked, alice.headers));
    expect(login.to).toBe('/.auth/login/aad');
    expect(login.parameters.claims).toBe(readClaims(CHALLENGE));
    const back = (login.parameters.post_login_redirect_uri ?? '').split('?')[1] ?? '';
    const again = {
      ...alice,
      headers: { ...alice.headers, 'x-ms-token-aad-refresh-token': `rt.${alice.oid}.new` },
    };
    const page = await visit(test, back, again.headers);
    expect(sentTo(await press(test, again, formOf(page))).parameters.code).toBeDefined();
    expect(test.entra.forms.some((form) => form.includes(`rt.${alice.oid}.new`))).toBe(true);
    expect((await ask()).status).toBe(200);
  });

  it('at /authorize for a minted resource is invalid_request', async () => {
    const asked = formText(authorizeForm(newVerifier(), { resource: ORDERS, claims: CHALLENGE }));
    expect(sentTo(await visit(test, asked, alice.headers)).parameters.error).toBe('invalid_request');
  });
});

describe('what the answer says of scope', () => {
  const giving = (scope: string) =>
    test.entra.answers((request, response, body) => {
      const oid = (new URLSearchParams(body).get('refresh_token') ?? '').split('.')[1] ?? '';
      const claims = { iss: test.entra.issuer, aud: '22222222-2222-4222-8222-222222222222', oid };
      const tid = '11111111-1111-4111-8111-111111111111';
      const part = Buffer.from(JSON.stringify({ ...claims, tid })).toString('base64url');
      const tokens = { access_token: `at.${oid}`, expires_in: 3600, scope, id_token: `e30.${part}.` };
      replies(200, tokens)(request, response, body);
    });
  const rowOf = async (id: string | undefined) =>
    (await test.audited('token.issued')).find(({ correlationId }) => correlationId === id);

  it('all that was asked: nothing dropped, nothing wider', async () => {
    const { body } = await ask();
    expect(body).toMatchObject({ scope: 'Mail.Read', narrowing: 'provider' });
    expect('dropped_scope' in body || 'wider_scope' in body).toBe(false);
  });

  it('without scope in the request what the grant holds and the token does not is dropped_scope', async () => {
    const wide = await grantTo(test, { resource: WIDE, scope: 'A B' }, alice);
    giving(`${WIDE}/A`);
    const answer = await tokenCall(test, refreshForm(wide, { resource: WIDE }));
    expect(answer.body).toMatchObject({ scope: 'A', dropped_scope: 'B', narrowing: 'provider' });
    const row = await rowOf(answer.headers['x-correlation-id']);
    expect(row).toMatchObject({ requestedScope: 'A B', scope: 'A', droppedScope: 'B' });
  });

  it('with scope in the request less than that is invalid_scope, never a silent drop', async () => {
    const wide = await grantTo(test, { resource: WIDE, scope: 'A B' }, alice);
    giving(`${WIDE}/A`);
    expectError(await tokenCall(test, refreshForm(wide, { resource: WIDE, scope: 'A B' })), 'invalid_scope');
  });

  it('nothing of what is held is no token at all', async () => {
    const wide = await grantTo(test, { resource: WIDE, scope: 'B' }, alice);
    giving(`${WIDE}/A`);
    expectError(await tokenCall(test, refreshForm(wide, { resource: WIDE })), 'invalid_scope');
  });

  it('more than was asked is narrowing none, and wider_scope says what', async () => {
    const wide = await grantTo(test, { resource: WIDE, scope: 'A' }, alice);
    giving(`${WIDE}/A ${WIDE}/B`);
    const answer = await tokenCall(test, refreshForm(wide, { resource: WIDE }));
    expect(answer.body).toMatchObject({ scope: 'A B', wider_scope: 'B', narrowing: 'none' });
    expect(await rowOf(answer.headers['x-correlation-id'])).toMatchObject({
      widerScope: 'B',
      narrowing: 'none',
    });
  });
});
