import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKER, GRAPH_URI, MULTI, REDIRECT, SECRET, TID } from './support/directory.js';
import { startTestProvider, type TestProvider } from './support/provider.js';

let idp: TestProvider;
let live: Record<string, string>;
beforeAll(async () => {
  idp = await startTestProvider();
  const { body } = await idp.signIn('openid offline_access api://token-broker/access_as_user');
  live = { refresh: String(body.refresh_token), assertion: String(body.access_token) };
});
afterAll(() => idp.stop());

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '%', '\u0000', '../..', 'a b', '/', '//', '__proto__'),
);
const runs = { numRuns: 250 };

describe('no input makes the provider fail', () => {
  it('the authorization query', async () => {
    const values = fc.record(
      {
        client_id: fc.oneof(fc.constantFrom(BROKER, MULTI), odd),
        redirect_uri: fc.oneof(fc.constant(REDIRECT), fc.webUrl(), odd),
        response_type: fc.oneof(fc.constantFrom('code', 'id_token', 'code id_token', 'token'), odd),
        response_mode: fc.oneof(fc.constantFrom('query', 'fragment', 'form_post'), odd),
        scope: fc.oneof(fc.constantFrom('openid', `${GRAPH_URI}/.default`, 'api://orders/orders.read'), odd),
        prompt: fc.oneof(fc.constantFrom('none', 'login', 'consent', 'select_account'), odd),
        login_hint: fc.oneof(fc.constant('alice@contoso.test'), odd),
        code_challenge: odd,
        code_challenge_method: fc.oneof(fc.constantFrom('S256', 'plain'), odd),
        max_age: fc.oneof(fc.nat().map(String), odd),
        nonce: odd,
        state: odd,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(values, fc.oneof(fc.constantFrom(TID, 'common'), odd), async (query, tenant) => {
        const path = `/${encodeURIComponent(tenant)}/oauth2/v2.0/authorize?${new URLSearchParams(query)}`;
        const answer = await idp.get(path);
        expect(answer.status).toBeLessThan(500);
        const target = answer.headers.get('location');
        if (target !== null) expect(target.startsWith(REDIRECT)).toBe(true);
      }),
      runs,
    );
  });

  it('the token form', async () => {
    const grants = [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ];
    const jwtLike = fc
      .tuple(fc.base64String(), fc.base64String(), fc.base64String())
      .map((parts) => parts.join('.'));
    const values = fc.record(
      {
        grant_type: fc.oneof(fc.constantFrom(...grants), odd),
        client_id: fc.oneof(fc.constant(BROKER), odd),
        client_secret: fc.oneof(fc.constant(SECRET), odd),
        client_assertion: fc.oneof(jwtLike, odd),
        client_assertion_type: fc.oneof(
          fc.constant('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
          odd,
        ),
        code: odd,
        redirect_uri: odd,
        refresh_token: fc.oneof(fc.constant('live'), odd),
        assertion: fc.oneof(fc.constant('live'), jwtLike, odd),
        requested_token_use: fc.oneof(fc.constant('on_behalf_of'), odd),
        scope: fc.oneof(fc.constantFrom('openid offline_access', `${GRAPH_URI}/.default`), odd),
      },
      { requiredKeys: ['grant_type', 'client_id'] },
    );
    await fc.assert(
      fc.asyncProperty(values, fc.boolean(), async (form, authenticated) => {
        const { client_assertion: _, ...secretOnly } = form;
        const sent: Record<string, string> = {
          ...(authenticated ? { ...secretOnly, client_id: BROKER, client_secret: SECRET } : form),
        };
        if (sent.refresh_token === 'live') sent.refresh_token = live.refresh ?? '';
        if (sent.assertion === 'live') sent.assertion = live.assertion ?? '';
        const answer = await idp.post(`/${TID}/oauth2/v2.0/token`, sent);
        expect(answer.status).toBeLessThan(500);
        if (answer.status !== 200) expect(answer.body).toHaveProperty('error');
      }),
      runs,
    );
  });

  it.each([
    '/%',
    '/%ff/oauth2/v2.0/token',
    '//evil.test/x',
    '/\\',
    '/?%',
    '/common/../_admin/state/..',
    '/a?b=%zz',
  ])('the path %s', async (path) => {
    const response = await fetch(`${idp.url}${path}`, { redirect: 'manual' });
    expect(response.status).toBeLessThan(500);
  });
});

describe('logs', () => {
  it('hold no secret, code, token, cookie or header value, and one line an event', async () => {
    const code = await idp.codeFor();
    const tokens = await idp.redeem(code);
    await idp.token({ grant_type: 'client_credentials', client_secret: 'wrong-canary' });
    await idp.authorize(
      { login_hint: 'canary@contoso.test', state: 'state-canary' },
      { cookie: 'idp_session=cookie-canary' },
    );
    const text = idp.lines.join('\n');
    for (const secret of [
      code,
      SECRET,
      live.refresh,
      live.assertion,
      String(tokens.body.id_token),
      'canary',
      idp.identityHeader,
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(
      idp.lines.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z (info|warn|error) idp [^\n]+$/.test(line)),
    ).toBe(true);
    expect(text).not.toContain('unexpected failure');
  });
});
