import { beforeAll, describe, expect, it } from 'vitest';
import { MAIL, NIGHTLY, withBroker } from '../support/broker.js';
import { basic, type Form, grantTo, refreshForm, tokenCall } from '../support/calls.js';
import { expectError } from '../support/oauth_errors.js';

const test = withBroker();
let grantId = '';
beforeAll(async () => {
  grantId = await grantTo(test);
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
