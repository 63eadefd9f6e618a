import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  allow,
  claimsOf,
  exchange,
  headerOf,
  ORDERS,
  post,
  refresh,
  report,
  smallJob,
  stack,
  TOKEN_TYPE,
  token,
} from './support.js';

/** Every refusal: status, code, JSON that is not stored, and two members unless more are named. */
function expectRefusal(answer: Answer, status: number, error: string, more: object = {}): void {
  expect([answer.status, answer.body.error]).toEqual([status, error]);
  expect(answer.body).toEqual({ error, error_description: expect.any(String), ...more });
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('pragma')).toBe('no-cache');
}

const SUBJECT = { error_details: { class: 'subject_token_unacceptable' } };
const ACTOR = { error_details: { class: 'actor_token_unacceptable' } };
const UNKNOWN_GRANT = `${'x'.repeat(43)}.${'y'.repeat(22)}`;

let grant: string;
beforeAll(async () => {
  grant = await allow('bob@contoso.test', 'nightly-report');
});

describe('answers, byte by byte', () => {
  it('RFC 6749 §5.1, RFC 8693 §2.2.1 success: exactly these members', async () => {
    const answer = await token(exchange(grant, 'refresh_token', { scope: 'orders.read' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      issued_token_type: `${TOKEN_TYPE}access_token`,
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'orders.read',
      narrowing: 'minted',
    });
  });

  it('RFC 6749 §5.2 invalid_request: missing, twice, two ways of authenticating; 405 and 415 where HTTP says so', async () => {
    expectRefusal(await token({ resource: ORDERS }), 400, 'invalid_request');
    expectRefusal(await token(`${new URLSearchParams(refresh(grant))}&resource=x`), 400, 'invalid_request');
    const { client_id, client_secret } = report;
    expectRefusal(await token({ ...refresh(grant), client_id, client_secret }), 400, 'invalid_request');
    const json = { 'content-type': 'application/json' };
    expectRefusal(await token('{}', report, json), 415, 'invalid_request');
    const got = await fetch(`${stack.gateway}/token`);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await got.json()).toEqual({ error: 'invalid_request', error_description: expect.any(String) });
  });

  it('RFC 8693 §2.1 actor_token and its type only together: invalid_request', async () => {
    const half = exchange(grant, 'refresh_token', { actor_token: 'x' });
    expectRefusal(await token(half), 400, 'invalid_request');
    const other = exchange(grant, 'refresh_token', { actor_token_type: `${TOKEN_TYPE}jwt` });
    expectRefusal(await token(other), 400, 'invalid_request');
  });

  it('RFC 8693 §2.2.2 an unacceptable subject or actor token: invalid_request, and which of them for machines', async () => {
    for (const type of ['access_token', 'id_token', 'jwt', 'refresh_token']) {
      expectRefusal(await token(exchange('e30.e30.e30', type)), 400, 'invalid_request', SUBJECT);
    }
    expectRefusal(await token(exchange(UNKNOWN_GRANT, 'refresh_token')), 400, 'invalid_request', SUBJECT);
    const acted = { actor_token: 'e30.e30.e30', actor_token_type: `${TOKEN_TYPE}jwt` };
    expectRefusal(await token(exchange(grant, 'refresh_token', acted)), 400, 'invalid_request', ACTOR);
  });

  it('RFC 6749 §2.3, §5.2 invalid_client: 401, and a challenge in the scheme that was tried', async () => {
    const wrong = { ...report, client_secret: 'wrong' };
    const basic = await token(refresh(grant), wrong);
    expectRefusal(basic, 401, 'invalid_client');
    expect(basic.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+"$/);
    const bearer = await token(refresh(grant), null, { authorization: 'Bearer e30.e30.e30' });
    expectRefusal(bearer, 401, 'invalid_client');
    expect(bearer.headers.get('www-authenticate')).toMatch(/^Bearer realm="[^"]+"$/);
    const form = await token(
      { ...refresh(grant), client_id: report.client_id, client_secret: 'wrong' },
      null,
    );
    expectRefusal(form, 401, 'invalid_client');
    expect(form.headers.get('www-authenticate')).toBeNull();
  });

  it('RFC 6749 §5.2 unauthorized_client: a grant type that this client may not use', async () => {
    expectRefusal(await token(exchange(grant, 'refresh_token'), smallJob), 400, 'unauthorized_client');
  });

  it('RFC 6749 §5.2 unsupported_grant_type', async () => {
    const password = { grant_type: 'password', username: 'a', password: 'b', resource: ORDERS };
    expectRefusal(await token(password), 400, 'unsupported_grant_type');
  });

  it('RFC 6749 §5.2 invalid_scope: outside', async () => {
    expectRefusal(await token(refresh(grant, { scope: 'orders.delete' })), 400, 'invalid_scope');
  });

  it('RFC 8693 §2.2.2, RFC 8707 §2 invalid_target: not allowed, relative, with a fragment', async () => {
    for (const resource of ['api://nowhere', 'orders', `${ORDERS}#x`]) {
      expectRefusal(await token(refresh(grant, { resource })), 400, 'invalid_target');
    }
    const { resource: _, ...silent } = refresh(grant);
    expectRefusal(await token({ ...silent, audience: 'orders' }), 400, 'invalid_target');
  });

  it('RFC 8693 §2.2.2 an unsupported requested_token_type: invalid_request', async () => {
    const saml = exchange(grant, 'refresh_token', { requested_token_type: `${TOKEN_TYPE}saml2` });
    expectRefusal(await token(saml), 400, 'invalid_request');
  });

  it('RFC 9396 §5 invalid_authorization_details: no type of them is known, and none is passed over', async () => {
    const details = refresh(grant, { authorization_details: '[{"type":"payment"}]' });
    expectRefusal(await token(details), 400, 'invalid_authorization_details');
  });

  it('RFC 9449 §5, §8 invalid_dpop_proof, and use_dpop_nonce with the nonce in its header', async () => {
    expectRefusal(await token(refresh(grant), report, { dpop: 'x' }), 400, 'invalid_dpop_proof');
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const proof = new SignJWT({
      htm: 'POST',
      htu: `${stack.gateway}/token`,
      jti: randomUUID(),
      nonce: 'x'.repeat(32),
    })
      .setIssuedAt()
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) });
    const answer = await token(refresh(grant), report, { dpop: await proof.sign(privateKey) });
    expectRefusal(answer, 400, 'use_dpop_nonce');
    expect(answer.headers.get('dpop-nonce')).toMatch(/^[\w-]{32}$/);
  });
});

describe('how often', () => {
  it('RFC 6585 §4 too many: 429 with Retry-After; RFC 7009 what a service needs to recover is not counted', async () => {
    const mine = await allow('alice@contoso.test', 'small-job', 'orders.read');
    // Two windows at most, of two each.
    const answers = [];
    for (let count = 0; count < 7; count++) answers.push(await token(refresh(mine), smallJob));
    const refused = answers.find(({ status }) => status !== 200);
    if (!refused) throw new Error('nothing was refused');
    expectRefusal(refused, 429, 'temporarily_unavailable');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post('/revoke', { token: mine }, smallJob)).status).toBe(200);
  });
});

describe('the other endpoints', () => {
  it('RFC 7009 §2.2 revocation: 200 and nothing said for what is unknown, whatever the hint', async () => {
    for (const [name, hint] of [
      [UNKNOWN_GRANT, 'refresh_token'],
      ['e30.e30.e30', 'urn:example:saml'],
      ['x', ''],
    ] as const) {
      const answer = await post('/revoke', { token: name, token_type_hint: hint });
      expect([answer.status, answer.body]).toEqual([200, undefined]);
    }
  });

  it('RFC 7662 §2.2 introspection: {"active":false} and nothing else; aud, client_id and act when active', async () => {
    const { access_token } = (await token(refresh(grant))).body;
    const active = await post('/introspect', { token: access_token });
    expect(active.body).toMatchObject({
      active: true,
      aud: ORDERS,
      client_id: report.client_id,
      act: { sub: report.client_id },
    });
    expect((await post('/introspect', { token: access_token }, smallJob)).body).toEqual({ active: false });
    expect((await post('/introspect', { token: 'x' })).body).toEqual({ active: false });
  });

  it('RFC 9068 §2 a minted token: typ at+jwt, kid, and claims from a fixed list', async () => {
    const { access_token } = (await token(refresh(grant))).body;
    expect(headerOf(access_token)).toEqual({
      alg: expect.stringMatching(/^(ES|PS|RS)256$/),
      typ: 'at+jwt',
      kid: expect.any(String),
    });
    const claims = claimsOf(access_token);
    expect(claims).toMatchObject({ iss: stack.gateway, aud: ORDERS, client_id: report.client_id });
    const allowed = [
      'iss',
      'sub',
      'aud',
      'exp',
      'iat',
      'nbf',
      'jti',
      'client_id',
      'scope',
      'act',
      'cnf',
      'tid',
      'oid',
    ];
    expect(Object.keys(claims).filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it('RFC 8414 §2, §3.3 metadata: the issuer to the letter, and what a library needs', async () => {
    const response = await fetch(`${stack.gateway}/.well-known/oauth-authorization-server`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      issuer: stack.gateway,
      authorization_endpoint: `${stack.gateway}/authorize`,
      token_endpoint: `${stack.gateway}/token`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token']),
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
    });
  });
});
