import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hostileText } from '../support/arbitraries.js';
import { type Answer, MAIL, NIGHTLY, PUBLIC, WIDE, withBroker } from '../support/broker.js';
import {
  basic,
  exchangeForm,
  FORM,
  type Form,
  formText,
  grantTo,
  refreshForm,
  signIn,
  TOKEN_EXCHANGE,
  tokenCall,
} from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';

const test = withBroker();
let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test);
});

/** RFC 6749 §5.2: the form of every refusal. */
function expectError(answer: Answer, error: string, status = 400): void {
  expect(answer.body).toMatchObject({ error, error_description: expect.any(String) });
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  // RFC 6749 §5.2: no control characters, quotes or backslashes.
  expect(answer.body.error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
}

/** The audit rows of the request that was answered so. */
async function recordOf(answer: Answer) {
  const id = answer.headers['x-correlation-id'];
  return (await test.audited('token.refused')).filter(({ correlationId }) => correlationId === id);
}

describe('a malformed request is invalid_request (RFC 6749 §5.2)', () => {
  it.each<[string, (form: string) => string]>([
    ['no grant_type', (form) => form.replace(/grant_type=[^&]+&/, '')],
    [
      'an empty grant_type, which counts as none (§3.2)',
      (form) => form.replace(/grant_type=[^&]+/, 'grant_type='),
    ],
    ['no refresh_token', (form) => form.replace(/refresh_token=[^&]+&/, '')],
    ['no resource', (form) => form.replace(/&resource=[^&]+/, '')],
    ['an empty resource', (form) => form.replace(/resource=[^&]+/, 'resource=')],
    ['grant_type twice', (form) => `${form}&grant_type=refresh_token`],
    ['refresh_token twice', (form) => `${form}&refresh_token=x`],
    ['resource twice', (form) => `${form}&resource=api%3A%2F%2Forders`],
    ['scope twice, once empty', (form) => `${form}&scope=&scope=orders.read`],
    ['an unknown parameter twice', (form) => `${form}&x=1&x=2`],
    ['resource and audience', (form) => `${form}&audience=api%3A%2F%2Forders`],
    [
      'more parameters than anybody needs',
      (form) => form + Array.from({ length: 60 }, (_, at) => `&p${at}=1`).join(''),
    ],
    ['no body', () => ''],
  ])('%s', async (_, change) => {
    expectError(await tokenCall(test, change(formText(refreshForm(grantId)))), 'invalid_request');
  });

  it.each<[string, Form]>([
    ['no subject_token', { subject_token: undefined }],
    ['no subject_token_type', { subject_token_type: undefined }],
    ['an unknown subject_token_type', { subject_token_type: 'urn:x' }],
    [
      'a requested_token_type it does not issue',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
    ],
    ['a refresh token asked for', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['an actor_token without its type (§2.1)', { actor_token: 'x' }],
    [
      'an actor_token_type without its token (§2.1)',
      { actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
    ],
  ])('in a token exchange (RFC 8693 §2.2.2): %s', async (_, more) => {
    expectError(await tokenCall(test, exchangeForm(grantId, more)), 'invalid_request');
  });

  it('a repeated parameter is named, unless its name is text to be careful with', async () => {
    const plain = await tokenCall(test, `${formText(refreshForm(grantId))}&my_param=1&my_param=2`);
    expect(plain.body.error_description).toContain('my_param');
    const hostile = await tokenCall(test, `${formText(refreshForm(grantId))}&%3Cb%3E=1&%3Cb%3E=2`);
    expect(hostile.body.error_description).not.toContain('<');
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])(
    '%s is 405 and says what is allowed',
    async (method) => {
      const answer = await test.call('token', {
        method,
        url: `${PUBLIC}/token?${formText(refreshForm(grantId))}`,
      });
      expectError(answer, 'invalid_request', 405);
      expect(answer.headers.allow).toBe('POST');
    },
  );

  it.each([
    ['JSON', 'application/json'],
    ['plain text', 'text/plain'],
    ['a multipart form', 'multipart/form-data; boundary=x'],
    ['nothing', ''],
    ['a type that begins like a form', 'application/x-www-form-urlencoded-x'],
  ])('a body said to be %s is 415', async (_, type) => {
    const answer = await tokenCall(test, refreshForm(grantId), {
      ...basic(NIGHTLY.id, NIGHTLY.secret),
      'content-type': type,
    });
    expectError(answer, 'invalid_request', 415);
  });

  it('a form with a charset is a form', async () => {
    const type = 'Application/X-WWW-Form-Urlencoded; charset=UTF-8';
    const headers = { ...basic(NIGHTLY.id, NIGHTLY.secret), 'content-type': type };
    expect((await tokenCall(test, refreshForm(grantId), headers)).status).toBe(200);
  });

  it('a body of 1 MB is 413, whatever length it claims', async () => {
    const body = `${formText(refreshForm(grantId))}&x=${'x'.repeat(1024 * 1024)}`;
    expectError(await tokenCall(test, body), 'invalid_request', 413);
    const headers = { ...basic(NIGHTLY.id, NIGHTLY.secret), 'content-length': '10' };
    expectError(await tokenCall(test, body, headers), 'invalid_request', 413);
  });

  it('parameters in the query are not parameters (§2.3.1)', async () => {
    const answer = await test.call('token', {
      method: 'POST',
      url: `${PUBLIC}/token?${formText(refreshForm(grantId))}`,
      headers: { ...FORM, ...basic(NIGHTLY.id, NIGHTLY.secret) },
      body: '',
    });
    expectError(answer, 'invalid_request');
  });
});

describe('a client that does not prove who it is is 401 invalid_client (RFC 6749 §5.2)', () => {
  it.each<[string, Form, Record<string, string>, string | undefined]>([
    ['no authentication', {}, {}, undefined],
    ['a client_id alone', { client_id: NIGHTLY.id }, {}, undefined],
    ['a wrong secret', { client_id: NIGHTLY.id, client_secret: 'wrong' }, {}, undefined],
    ['an unknown client', { client_id: 'nobody', client_secret: NIGHTLY.secret }, {}, undefined],
    ['a client by an inherited name', { client_id: '__proto__', client_secret: 'x' }, {}, undefined],
    ["another client's secret", { client_id: NIGHTLY.id, client_secret: MAIL.secret }, {}, undefined],
    ['a wrong secret in the header', {}, basic(NIGHTLY.id, 'wrong'), 'Basic'],
    ['an empty secret in the header', {}, basic(NIGHTLY.id, ''), 'Basic'],
    ['an unknown client in the header', {}, basic('nobody', NIGHTLY.secret), 'Basic'],
    [
      'a header without a colon',
      {},
      { authorization: `Basic ${Buffer.from('x').toString('base64')}` },
      'Basic',
    ],
    [
      'a header without a client',
      {},
      { authorization: `Basic ${Buffer.from(':x').toString('base64')}` },
      'Basic',
    ],
    ['a header that is not Base64', {}, { authorization: 'Basic %%%' }, 'Basic'],
    [
      'a header with broken form encoding',
      {},
      { authorization: `Basic ${Buffer.from('a:%zz').toString('base64')}` },
      'Basic',
    ],
    ['a scheme nobody knows', {}, { authorization: 'Digest username=x' }, 'Basic'],
    ['a bearer token that is none', {}, { authorization: 'Bearer x' }, 'Bearer'],
    ['a bearer token that is empty', {}, { authorization: 'Bearer ' }, 'Bearer'],
  ])('%s', async (_, form, headers, scheme) => {
    const answer = await tokenCall(test, refreshForm(grantId, form), headers);
    expectError(answer, 'invalid_client', 401);
    const challenge = answer.headers['www-authenticate'];
    if (scheme === undefined) expect(challenge).toBeUndefined();
    else expect(challenge).toMatch(new RegExp(`^${scheme} realm=`));
    expect(answer.body.error_description).toBe(
      answer.body.error_description.startsWith('the Authorization header')
        ? answer.body.error_description
        : 'client authentication failed',
    );
  });

  it("a user's token, an ID token, a token for another audience or of an unknown app", async () => {
    const { entra, time } = test;
    const tokens = await Promise.all([
      entra.appToken(NIGHTLY.appId, time.now, { scp: 'user_impersonation', idtyp: 'user' }),
      entra.idToken('alice', time.now),
      entra.appToken(NIGHTLY.appId, time.now, { aud: 'https://graph.microsoft.test' }),
      entra.appToken(NIGHTLY.appId, time.now - 2 * 3_600_000),
      entra.appToken('99999999-3333-4333-8333-333333333333', time.now),
    ]);
    for (const token of tokens) {
      const answer = await tokenCall(test, refreshForm(grantId), { authorization: `Bearer ${token}` });
      expectError(answer, 'invalid_client', 401);
    }
  });

  it('an app token with the client_id of another client', async () => {
    const token = await test.entra.appToken(NIGHTLY.appId, test.time.now);
    const form = refreshForm(grantId, { client_id: MAIL.id });
    expectError(await tokenCall(test, form, { authorization: `Bearer ${token}` }), 'invalid_client', 401);
  });

  it('two ways at once, or half of one, are invalid_request instead', async () => {
    const token = await test.entra.appToken(NIGHTLY.appId, test.time.now);
    const header = basic(NIGHTLY.id, NIGHTLY.secret);
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const cases: [Form, Record<string, string>][] = [
      [{ client_id: NIGHTLY.id, client_secret: NIGHTLY.secret }, { ...header }],
      [{ client_id: NIGHTLY.id, client_secret: NIGHTLY.secret }, { authorization: `Bearer ${token}` }],
      [{ client_assertion: token, client_assertion_type: type }, { ...header }],
      [
        {
          client_id: NIGHTLY.id,
          client_secret: NIGHTLY.secret,
          client_assertion: token,
          client_assertion_type: type,
        },
        {},
      ],
      [{ client_secret: NIGHTLY.secret }, {}],
      [{ client_assertion: token }, {}],
      [{ client_assertion_type: type }, {}],
      [{ client_assertion: token, client_assertion_type: 'urn:x' }, {}],
      [{ client_id: MAIL.id }, { ...header }],
    ];
    for (const [form, headers] of cases) {
      expectError(await tokenCall(test, refreshForm(grantId, form), headers), 'invalid_request');
    }
  });

  it('who it is comes before everything else: nothing is told of grants, scopes or resources', async () => {
    const asked = [
      refreshForm('x'),
      refreshForm(grantId, { scope: 'nothing' }),
      refreshForm(grantId, { resource: 'api://gone' }),
      { grant_type: 'password' },
    ];
    for (const form of asked)
      expectError(await tokenCall(test, form, basic('nobody', 'x')), 'invalid_client', 401);
  });
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
      expect(await recordOf(refreshed)).toMatchObject([{ reason: expect.stringMatching(/grant/) }]);
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
    expect(await recordOf(answer)).toMatchObject([{ error: 'temporarily_unavailable', reason }]);
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
    const rows = await recordOf(answer);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject(expected);
  });

  it('names whose grant it was when a scope was refused', async () => {
    const answer = await tokenCall(test, refreshForm(grantId, { scope: 'orders.delete' }));
    expect(await recordOf(answer)).toMatchObject([
      { grantId, subject: expect.stringMatching(/^aad:/), resource: ORDERS, requestedScope: 'orders.delete' },
    ]);
  });
});

describe('no request breaks the endpoint', () => {
  const name = fc.constantFrom(
    ...[
      'grant_type',
      'refresh_token',
      'subject_token',
      'subject_token_type',
      'resource',
      'audience',
      'scope',
    ],
    ...['min_ttl', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'actor_token'],
    ...['requested_token_type', 'actor_token_type', '__proto__', 'constructor', ''],
  );
  const value = fc.oneof(
    hostileText,
    fc.constantFrom('refresh_token', TOKEN_EXCHANGE, ORDERS, 'orders.read', NIGHTLY.id, NIGHTLY.secret),
    fc.constant('the grant'),
  );

  it('whatever the form holds: an OAuth error or a token, and never a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, value), { maxLength: 8 }),
        fc.boolean(),
        async (pairs, authenticated) => {
          const form = new URLSearchParams(
            pairs.map(([key, text]): [string, string] => [key, text === 'the grant' ? grantId : text]),
          );
          const answer = await tokenCall(test, form.toString(), authenticated ? undefined : {});
          expect(answer.status).toBeLessThan(500);
          if (answer.status !== 200) expect(answer.body.error).toMatch(/^[a-z_]+$/);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('whatever bytes the body is made of', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(hostileText, fc.string({ unit: 'binary', maxLength: 200 })), async (body) => {
        expect((await tokenCall(test, body)).status).toBe(400);
      }),
      { numRuns: 60 },
    );
  });

  it('whatever the Authorization header says', async () => {
    const printable = fc.string({ unit: fc.constantFrom(...'abcZ019+/=:., -_~"\\%'), maxLength: 60 });
    const scheme = fc.constantFrom('Basic ', 'Bearer ', 'basic  ', 'DPoP ', '', 'Negotiate ');
    await fc.assert(
      fc.asyncProperty(scheme, printable, async (prefix, text) => {
        const authorization = `${prefix}${text}`.trim();
        const answer = await tokenCall(
          test,
          refreshForm(grantId),
          authorization === '' ? {} : { authorization },
        );
        expectError(answer, 'invalid_client', 401);
      }),
      { numRuns: 80 },
    );
  });
});
