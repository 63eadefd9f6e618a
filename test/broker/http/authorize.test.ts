import { describe, expect, it } from 'vitest';
import { authorizeForm, formOf, newVerifier, press, STATE, sentTo, visit } from '../support/authorizing.js';
import { type Answer, CALLBACK, MAIL, NIGHTLY, PUBLIC, policy, withBroker } from '../support/broker.js';
import { FORM, type Form, formText, signIn } from '../support/calls.js';
import { GRAPH, ORDERS, someone } from '../support/samples.js';

const test = withBroker();

const query = (more: Form = {}) => formText(authorizeForm(newVerifier(), more));

/** A refusal the client gets to know, where it registered to be told (RFC 6749 §4.1.2.1, RFC 9207 §2). */
function expectSentBack(answer: Answer, error: string): void {
  expect(answer.status).toBe(303);
  expect(answer.headers.location?.startsWith(`${CALLBACK}&`)).toBe(true);
  const { parameters } = sentTo(answer);
  expect(parameters).toMatchObject({ app: '1', error, state: STATE, iss: PUBLIC });
  expect(parameters.code).toBeUndefined();
  expect(parameters.error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
}

/** A refusal only the user sees. */
function expectShown(answer: Answer, status = 400): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.location).toBeUndefined();
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
}

describe('before client and redirect URI are trusted nothing is sent anywhere (RFC 6749 §4.1.2.1)', () => {
  it.each<[string, Form]>([
    ['no client_id', { client_id: undefined }],
    ['an unknown client', { client_id: 'nobody' }],
    ['a client by an inherited name', { client_id: 'constructor' }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['another redirect_uri', { redirect_uri: 'https://evil.test/callback?app=1' }],
    ['a redirect_uri with something behind', { redirect_uri: `${CALLBACK}&x=1` }],
    ['a redirect_uri without its query', { redirect_uri: 'https://report.test/callback' }],
    ['a redirect_uri in another case', { redirect_uri: CALLBACK.toUpperCase() }],
    ['a loopback redirect_uri on another port', { redirect_uri: 'http://localhost:4001/cb' }],
    ['a client that registered none', { client_id: MAIL.id }],
  ])('%s', async (_, more) => {
    const { headers } = await signIn(test);
    expectShown(await visit(test, query(more)));
    expectShown(await visit(test, query(more), headers));
  });

  it.each(['client_id', 'redirect_uri', 'state'])('%s given twice', async (name) => {
    expectShown(await visit(test, `${query()}&${name}=x`));
  });

  it('the page repeats nothing of what was sent', async () => {
    const answer = await visit(
      test,
      query({ client_id: '<b>canary</b>', redirect_uri: 'https://canary.test' }),
    );
    expect(answer.text).not.toContain('canary');
  });
});

describe('afterwards the client is told (RFC 6749 §4.1.2.1, RFC 9207 §2)', () => {
  it.each<[string, string, Form]>([
    ['invalid_request', 'no response_type', { response_type: undefined }],
    ['unsupported_response_type', 'another response_type', { response_type: 'token' }],
    ['unsupported_response_type', 'a hybrid response_type', { response_type: 'code id_token' }],
    ['invalid_request', 'another response_mode', { response_mode: 'fragment' }],
    ['invalid_request', 'a request object (RFC 9101)', { request: 'x.y.z' }],
    ['invalid_request', 'no code_challenge (RFC 7636 §4.4.1)', { code_challenge: undefined }],
    ['invalid_request', 'the method plain (RFC 9700 §2.1.1)', { code_challenge_method: 'plain' }],
    ['invalid_request', 'no method, which means plain', { code_challenge_method: undefined }],
    ['invalid_request', 'a challenge no S256 gives', { code_challenge: 'a'.repeat(42) }],
    ['invalid_request', 'no resource', { resource: undefined }],
    ['invalid_target', 'a relative resource (RFC 8707 §2)', { resource: 'orders' }],
    ['invalid_target', 'a resource with a fragment (RFC 8707 §2)', { resource: `${ORDERS}#x` }],
    ['invalid_target', 'a resource this client may not have', { resource: 'api://nobodys' }],
    ['invalid_scope', "a scope beyond the client's", { scope: 'orders.read orders.delete' }],
    ['invalid_scope', 'a malformed scope', { scope: 'a"b' }],
    ['invalid_request', 'expires_in longer than policy allows', { expires_in: String(30 * 86_400 + 1) }],
    ['invalid_request', 'expires_in that is no number', { expires_in: '1e3' }],
    ['invalid_request', 'expires_in of nothing', { expires_in: '0' }],
    ['invalid_request', 'a dpop_jkt that is no thumbprint (RFC 9449 §10)', { dpop_jkt: 'x' }],
    [
      'invalid_target',
      "a dpop_jkt for a provider's token, which could not be bound",
      { dpop_jkt: 'a'.repeat(43), resource: GRAPH, scope: 'Mail.Read' },
    ],
  ])('%s: %s', async (error, _, more) => {
    expectSentBack(await visit(test, query(more)), error);
  });

  it('invalid_request: a parameter given twice (RFC 6749 §3.1)', async () => {
    for (const name of ['resource', 'scope', 'code_challenge', 'colour']) {
      expectSentBack(await visit(test, `${query({ colour: 'a' })}&${name}=b`), 'invalid_request');
    }
  });

  it('an unknown parameter and one without a value are as if not there (RFC 6749 §3.1)', async () => {
    const { headers } = await signIn(test);
    expect((await visit(test, query({ colour: 'blue', scope: '' }), headers)).status).toBe(200);
  });

  it('state comes back to the letter, and is left out when it was', async () => {
    const state = 'a b+c/%20=&é';
    const { parameters } = sentTo(await visit(test, query({ state, response_type: 'token' })));
    expect(parameters.state).toBe(state);
    const silent = sentTo(await visit(test, query({ state: undefined, response_type: 'token' })));
    expect('state' in silent.parameters).toBe(false);
  });
});

describe('who is not signed in', () => {
  it('is sent to Easy Auth and comes back to the same question', async () => {
    const asked = query({ login_hint: 'alice@contoso.test' });
    const { to, parameters } = sentTo(await visit(test, asked));
    expect(to).toBe('/.auth/login/aad');
    expect(parameters.login_hint).toBe('alice@contoso.test');
    const back = new URL(parameters.post_login_redirect_uri ?? '', PUBLIC);
    expect(back.pathname).toBe('/authorize');
    for (const [name, value] of new URLSearchParams(asked)) expect(back.searchParams.get(name)).toBe(value);
    const { headers } = await signIn(test);
    expect((await visit(test, back.search.slice(1), headers)).status).toBe(200);
  });

  it('is not sent round in circles: once a question, then access_denied', async () => {
    const back = sentTo(await visit(test, query())).parameters.post_login_redirect_uri ?? '';
    const again = back.split('?')[1] ?? '';
    expectSentBack(await visit(test, again), 'access_denied');
    const other = `${again.replace('scope=orders.read', 'scope=orders.write')}`;
    expect(sentTo(await visit(test, other)).to).toBe('/.auth/login/aad');
  });

  it('and whose session ended while the page was open signs in again', async () => {
    const session = await signIn(test);
    const form = formOf(await visit(test, query(), session.headers));
    expect(sentTo(await press(test, { oid: '', headers: {} }, form)).to).toBe('/.auth/login/aad');
  });
});

describe('the page', () => {
  it('says who may do what, where and until when, and to whom it is shown', async () => {
    const { headers, oid } = await signIn(test);
    const page = await visit(
      test,
      query({ scope: 'orders.write orders.read', expires_in: '86400' }),
      headers,
    );
    expect(page.status).toBe(200);
    for (const text of [
      NIGHTLY.id,
      ORDERS,
      'orders.read',
      'orders.write',
      '24 November 2026',
      oid,
      'report.test',
    ]) {
      expect(page.text).toContain(text);
    }
  });

  it('runs no script, loads nothing, is not framed and not stored', async () => {
    const { headers } = await signIn(test);
    const page = await visit(test, query(), headers);
    const policy = page.headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|script-src/);
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' });
    expect(page.text).not.toMatch(/<script|\son[a-z]+=/i);
  });

  it('shows what others chose to be called as text', async () => {
    const { headers } = await signIn(test, someone().id, { name: '<img src=x onerror=alert(1)>' });
    const page = await visit(test, query({ colour: '"><script>x' }), headers);
    expect(page.text).toContain('&lt;img src=x');
    expect(page.text).not.toMatch(/<img|<script/);
  });

  it('asks for all the client may have where scope is left out', async () => {
    const { headers } = await signIn(test);
    const page = await visit(test, query({ scope: undefined }), headers);
    expect(page.text).toContain('orders.write');
  });
});

describe('the answer', () => {
  it('allow: a grant as shown, and a code for the client', async () => {
    const session = await signIn(test);
    const form = formOf(await visit(test, query({ expires_in: '3600' }), session.headers));
    const answer = await press(test, session, form);
    expect(answer.status).toBe(303);
    const { parameters } = sentTo(answer);
    expect(parameters).toEqual({
      app: '1',
      code: expect.stringMatching(/^\d{6}\.[\w-]{43}$/),
      state: STATE,
      iss: PUBLIC,
    });
    const { body } = await test.call('listGrants', { headers: session.headers });
    expect(body.grants).toHaveLength(1);
    expect(body.grants[0]).toMatchObject({ client_id: NIGHTLY.id, resource: ORDERS, scope: 'orders.read' });
    expect(Date.parse(body.grants[0].expires_at)).toBe(test.time.now + 3_600_000);
  });

  it('deny: access_denied, no grant, and a row that says so', async () => {
    const session = await signIn(test);
    const form = formOf(await visit(test, query(), session.headers));
    const answer = await press(test, session, form, 'deny');
    expectSentBack(answer, 'access_denied');
    expect((await test.call('listGrants', { headers: session.headers })).body.grants).toEqual([]);
    const [row] = (await test.audited('grant.refused')).filter(
      ({ correlationId }) => correlationId === answer.headers['x-correlation-id'],
    );
    expect(row).toMatchObject({
      error: 'access_denied',
      clientId: NIGHTLY.id,
      requestedScope: 'orders.read',
    });
  });

  it('by whom this client may not act for: access_denied, and no grant', async () => {
    const client = { ...policy.clients[NIGHTLY.id], subjects: { roles: ['Orders.User'] } };
    const strict = test.under({ ...policy, clients: { ...policy.clients, [NIGHTLY.id]: client } });
    const session = await signIn(test);
    const form = formOf(await visit(strict, query(), session.headers));
    expectSentBack(await press(strict, session, form, 'allow'), 'access_denied');
    expect((await test.call('listGrants', { headers: session.headers })).body.grants).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['another origin', { origin: 'https://evil.test' }],
    ['an unknown origin', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('from %s is refused, and nothing is sent to the client', async (_, headers) => {
    const session = await signIn(test);
    const form = formOf(await visit(test, query(), session.headers));
    expectShown(await press(test, { ...session, headers: { ...session.headers, ...headers } }, form), 403);
    expect((await test.call('listGrants', { headers: session.headers })).body.grants).toEqual([]);
  });

  it.each(['', 'x', 'another user', 'another question', 'a quarter of an hour later'])(
    'without the ticket of this user and question nothing happens, and it is asked again: %s',
    async (how) => {
      const [session, other] = [await signIn(test), await signIn(test)];
      const asked = query();
      const form = formOf(await visit(test, asked, session.headers));
      const foreign = formOf(await visit(test, asked, other.headers)).ticket;
      const wider = formOf(
        await visit(test, asked.replace('orders.read', 'orders.write'), session.headers),
      ).ticket;
      const tickets: Record<string, string> = { 'another user': foreign, 'another question': wider };
      const late = how.startsWith('a quarter');
      if (late) test.time.now += 15 * 60_000 + 1;
      const answer = await press(test, session, {
        ...form,
        ticket: late ? form.ticket : (tickets[how] ?? how),
      });
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('name="decision"');
      expect((await test.call('listGrants', { headers: session.headers })).body.grants).toEqual([]);
    },
  );

  it('as anything but a form is refused', async () => {
    const session = await signIn(test);
    const { action } = formOf(await visit(test, query(), session.headers));
    const headers = { ...session.headers, 'content-type': 'text/plain' };
    const url = `${PUBLIC}${action}`;
    expectShown(await test.call('authorize', { method: 'POST', url, headers, body: 'decision=allow' }), 415);
  });

  it('a sign-in that brought no refresh token ends with server_error, which says what to configure', async () => {
    const { oid, headers } = await signIn(test);
    const { 'x-ms-token-aad-refresh-token': _, ...without } = headers;
    const session = { oid, headers: without };
    const answer = await press(test, session, formOf(await visit(test, query(), without)));
    expectSentBack(answer, 'server_error');
    expect(sentTo(answer).parameters.error_description).toContain('offline_access');
  });

  it('while the provider is down it ends with temporarily_unavailable', async () => {
    const session = await signIn(test);
    const form = formOf(await visit(test, query(), session.headers));
    test.entra.answers((_, response) => response.writeHead(503).end());
    expectSentBack(await press(test, session, form), 'temporarily_unavailable');
    test.entra.answers();
  });
});

it('takes GET and POST alone', async () => {
  const { headers } = await signIn(test);
  const url = `${PUBLIC}/authorize?${query()}`;
  expectShown(await test.call('authorize', { method: 'PUT', url, headers: { ...headers, ...FORM } }), 405);
});

it('an app, which has no consent to give, is told so', async () => {
  const authorization = `Bearer ${await test.entra.appToken(NIGHTLY.appId, test.time.now)}`;
  expectShown(await visit(test, query(), { authorization }), 403);
});
