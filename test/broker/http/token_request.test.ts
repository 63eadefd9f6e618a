import { beforeAll, describe, expect, it } from 'vitest';
import { MAIL, NIGHTLY, PUBLIC, withBroker } from '../support/broker.js';
import {
  basic,
  exchangeForm,
  FORM,
  type Form,
  formText,
  grantTo,
  refreshForm,
  tokenCall,
} from '../support/calls.js';
import { expectError } from '../support/oauth_errors.js';

const test = withBroker();
let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test);
});

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
