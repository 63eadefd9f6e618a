import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALICE, BOB, BROKER, FOREIGN, MULTI, OTHER_TID, REDIRECT, REPORT } from './support/directory.js';
import {
  type Answer,
  cookieOf,
  type Form,
  formFields,
  location,
  startTestProvider,
  type TestProvider,
} from './support/provider.js';

let idp: TestProvider;
beforeAll(async () => {
  idp = await startTestProvider();
});
afterAll(() => idp.stop());
beforeEach(() => idp.admin('POST', '/reset', {}));

const ALICE_HINT = { login_hint: 'alice@contoso.test' };

function press(page: Answer, button: Form, headers: Form = {}, tenant = 'contoso.test'): Promise<Answer> {
  return idp.post(`/${tenant}/oauth2/v2.0/signin`, { ...formFields(page.text), ...button }, headers);
}

function errorOf(answer: Answer): [string | null, string] {
  const params = location(answer);
  return [params.get('error'), /AADSTS(\d+)/.exec(params.get('error_description') ?? '')?.[1] ?? ''];
}

describe('what may never be redirected to', () => {
  it.each<[string, Form, number]>([
    ['an unregistered redirect URI', { redirect_uri: 'https://evil.test/cb' }, 50011],
    ['a registered one with another path', { redirect_uri: `${REDIRECT}/x` }, 50011],
    ['a registered host with another scheme', { redirect_uri: REDIRECT.replace('http:', 'https:') }, 50011],
    [
      'user info in front of a registered host',
      { redirect_uri: 'http://localhost@evil.test/.auth/login/aad/callback' },
      50011,
    ],
    ['a script', { redirect_uri: 'javascript:alert(1)' }, 50011],
    ['none', { redirect_uri: '' }, 900144],
    ['an unknown client', { client_id: '00000000-0000-4000-8000-00000000dead' }, 700016],
    ['a client of another tenant', { client_id: FOREIGN }, 700016],
  ])('%s is a page of its own', async (_, values, code) => {
    const answer = await idp.authorize({ ...values, ...ALICE_HINT });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.text).toContain(`AADSTS${code}`);
    expect(answer.headers.get('content-type')).toContain('text/html');
  });

  it('a repeated client_id, redirect_uri or state is a page of its own', async () => {
    const answer = await idp.get(`${idp.authorizePath(ALICE_HINT)}&redirect_uri=https%3A%2F%2Fevil.test`);
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
  });

  it('an unknown tenant is 90002, and what the page shows is escaped', async () => {
    const answer = await idp.authorize({}, {}, '%3Cscript%3Ex');
    expect(answer.text).toContain('AADSTS90002');
    expect(answer.text).not.toContain('<script>x');
  });

  it('http on this machine may use any port, as at Entra', async () => {
    const redirect = REDIRECT.replace('8080', '54321');
    const answer = await idp.authorize({ ...ALICE_HINT, redirect_uri: redirect });
    expect(answer.headers.get('location')).toMatch(new RegExp(`^${redirect}\\?code=`));
    const code = location(answer).get('code') ?? '';
    expect((await idp.redeem(code, { redirect_uri: redirect })).status).toBe(200);
  });
});

describe('refusals that go back to the client, with its state', () => {
  it.each<[string, Form, string, string]>([
    ['response_type token', { response_type: 'token' }, 'unsupported_response_type', '700051'],
    ['an unknown response_type', { response_type: 'device' }, 'unsupported_response_type', '70005'],
    [
      'an ID token in the query',
      { response_type: 'id_token', response_mode: 'query', nonce: 'n' },
      'invalid_request',
      '70007',
    ],
    ['an unknown response_mode', { response_mode: 'web_message' }, 'invalid_request', '70007'],
    ['an unknown prompt', { prompt: 'maybe' }, 'invalid_request', '90023'],
    ['prompt none with another', { prompt: 'none login' }, 'invalid_request', '90023'],
    [
      'a short challenge',
      { code_challenge: 'abc', code_challenge_method: 'S256' },
      'invalid_request',
      '50147',
    ],
    [
      'a challenge method of no kind',
      { code_challenge: 'a'.repeat(43), code_challenge_method: 'S512' },
      'invalid_request',
      '50147',
    ],
    ['no scope', { scope: '' }, 'invalid_request', '900144'],
    [
      'an ID token without openid',
      { response_type: 'id_token', nonce: 'n', scope: 'User.Read' },
      'invalid_scope',
      '70011',
    ],
    [
      '.default beside a named scope',
      { scope: 'https://graph.microsoft.test/.default User.Read' },
      'invalid_scope',
      '70011',
    ],
    ['an unknown resource', { scope: 'api://nobody/x' }, 'invalid_resource', '500011'],
    ['a scope the resource lacks', { scope: 'Nothing.Read' }, 'invalid_client', '650053'],
    ['a resource parameter', { resource: 'https://graph.microsoft.test' }, 'invalid_request', '901002'],
    ['a request object', { request: 'x.y.z' }, 'request_not_supported', '90023'],
    ['a max_age of no number', { max_age: '-1' }, 'invalid_request', '9002313'],
    ['prompt none without a session', { prompt: 'none', ...ALICE_HINT }, 'login_required', '50058'],
  ])('%s', async (_, values, error, code) => {
    const answer = await idp.authorize(values);
    expect(answer.status).toBe(302);
    expect(errorOf(answer)).toEqual([error, code]);
    expect(location(answer).get('state')).toBe('s');
    expect(location(answer).get('code')).toBeNull();
  });

  it('goes in the response mode asked for', async () => {
    const fragment = await idp.authorize({ response_mode: 'fragment', prompt: 'none' });
    expect(new URL(fragment.headers.get('location') ?? '').hash).toContain('error=login_required');
    const post = await idp.authorize({ response_mode: 'form_post', prompt: 'none' });
    expect(formFields(post.text)).toMatchObject({ error: 'login_required', state: 's' });
  });

  it('keeps the query a redirect URI already has', async () => {
    const answer = await idp.authorize({ redirect_uri: 'https://app.contoso.test/cb?x=1', ...ALICE_HINT });
    expect(answer.headers.get('location')).toMatch(/^https:\/\/app\.contoso\.test\/cb\?x=1&code=/);
  });
});

describe('the sign-in page', () => {
  it('lists the users of the tenant and what is asked, escaped, accessible, not frameable, without scripts', async () => {
    const page = await idp.authorize({ scope: 'openid User.Read' });
    expect(page.status).toBe(200);
    expect(page.text).toMatch(/^<!doctype html>\n<html lang="en">/);
    for (const part of [
      '<title>Sign in</title>',
      '<main>',
      '<h1>Sign in</h1>',
      'Alice Adams',
      'alice@contoso.test',
      'Audra',
      'Token broker',
      'User.Read',
    ]) {
      expect(page.text).toContain(part);
    }
    expect(page.text).toContain('Bob &lt;b&gt;');
    expect(page.text).not.toContain('guido@fabrikam.test');
    expect(page.text).not.toContain('<script');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  it('picking an account signs in and is remembered; the next time nobody is asked', async () => {
    const page = await idp.authorize({});
    const done = await press(page, { user: BOB });
    expect(location(done).get('code')).toBeTruthy();
    const cookie = cookieOf(done);
    expect(done.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax/);
    const again = await idp.authorize({ prompt: 'none' }, { cookie });
    const tokens = await idp.redeem(location(again).get('code') ?? '');
    expect(JSON.stringify(tokens.body.id_token)).toBeTruthy();
    expect((await idp.authorize({ prompt: 'login' }, { cookie })).text).toContain('Pick an account');
    expect((await idp.authorize({ prompt: 'select_account' }, { cookie })).text).toContain('Pick an account');
    expect((await idp.authorize({ max_age: '0' }, { cookie })).status).toBe(302);
    idp.clock.now += 2000;
    expect((await idp.authorize({ max_age: '1' }, { cookie })).text).toContain('Pick an account');
    expect(errorOf(await idp.authorize({ max_age: '1', prompt: 'none' }, { cookie }))[0]).toBe(
      'login_required',
    );
  });

  it('another login_hint replaces the session; revoked sessions count no more', async () => {
    const alice = cookieOf(await idp.authorize(ALICE_HINT));
    expect(
      errorOf(await idp.authorize({ prompt: 'none', login_hint: 'bob@contoso.test' }, { cookie: alice }))[0],
    ).toBe('login_required');
    const bob = await idp.authorize({ login_hint: 'bob@contoso.test' }, { cookie: alice });
    expect(location(bob).get('code')).toBeTruthy();
    await idp.admin('POST', `/users/${ALICE}/revoke`);
    expect(errorOf(await idp.authorize({ prompt: 'none' }, { cookie: alice }))[0]).toBe('login_required');
    expect(location(await idp.authorize(ALICE_HINT)).get('code')).toBeTruthy();
  });

  it('an unknown login_hint, or one of another tenant, gets the page', async () => {
    expect((await idp.authorize({ login_hint: 'nobody@contoso.test' })).text).toContain(
      'not in this directory',
    );
    expect((await idp.authorize({ login_hint: 'guido@fabrikam.test' })).text).toContain('Pick an account');
  });

  it('cancel is access_denied 65004', async () => {
    expect(errorOf(await press(await idp.authorize({}), { cancel: '1' }))).toEqual([
      'access_denied',
      '65004',
    ]);
  });

  it('its form is taken only from itself, whole and fresh', async () => {
    const page = await idp.authorize({});
    const { transaction = '', ...rest } = formFields(page.text);
    const foreign = await press(page, { user: ALICE }, { origin: 'https://evil.test' });
    expect([foreign.status, foreign.headers.get('location')]).toEqual([400, null]);
    expect((await press(page, { user: ALICE }, { 'sec-fetch-site': 'same-site' })).status).toBe(400);
    const altered = { ...rest, user: ALICE, transaction: `${transaction.slice(0, -2)}xx` };
    expect((await idp.post('/contoso.test/oauth2/v2.0/signin', altered)).status).toBe(400);
    expect((await press(page, { user: 'nobody' })).status).toBe(400);
    expect((await press(page, { approve: '1' })).status).toBe(400);
    expect((await press(page, { user: ALICE }, { origin: new URL(idp.url).origin })).status).toBe(302);
    idp.clock.now += 900_000;
    expect((await press(page, { user: ALICE })).status).toBe(400);
  });

  it('a user of another tenant cannot be slipped into the form', async () => {
    const { GUEST } = await import('./support/directory.js');
    const answer = await press(await idp.authorize({}), { user: GUEST });
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.text).toContain('Pick an account');
  });
});

describe('account state, second factor and consent', () => {
  it('a disabled account gets a page with 50057, and with prompt=none a redirect', async () => {
    const cookie = cookieOf(await idp.authorize(ALICE_HINT));
    await idp.admin('POST', '/users/alice@contoso.test/disable');
    const page = await idp.authorize(ALICE_HINT);
    expect([page.status, page.text.includes('AADSTS50057')]).toEqual([400, true]);
    expect(errorOf(await idp.authorize({ prompt: 'none' }, { cookie }))).toEqual([
      'interaction_required',
      '50057',
    ]);
  });

  it('a deleted account is not listed and its hint is unknown', async () => {
    await idp.admin('POST', `/users/${ALICE}/delete`);
    const page = await idp.authorize(ALICE_HINT);
    expect(page.text).toContain('Pick an account');
    expect(page.text).not.toContain('alice@contoso.test');
  });

  it('a required second factor is asked for even with a login_hint, and its tokens then refresh', async () => {
    await idp.admin('POST', `/users/${ALICE}/require-mfa`);
    const page = await idp.authorize(ALICE_HINT);
    expect(page.text).toContain('Approve sign in');
    const done = await press(page, { approve: '1' });
    const cookie = cookieOf(done);
    const tokens = await idp.redeem(location(done).get('code') ?? '');
    expect(tokens.status).toBe(200);
    const refreshed = await idp.refresh(String(tokens.body.refresh_token), 'User.Read');
    expect(refreshed.status).toBe(400);
    expect(refreshed.body.suberror).toBe('consent_required');
    expect(location(await idp.authorize({ prompt: 'none' }, { cookie })).get('code')).toBeTruthy();
  });

  it('prompt=none without the factor is interaction_required 50076 with claims', async () => {
    const cookie = cookieOf(await idp.authorize(ALICE_HINT));
    await idp.admin('POST', `/users/${ALICE}/require-mfa`);
    const answer = await idp.authorize({ prompt: 'none' }, { cookie });
    expect(errorOf(answer)).toEqual(['interaction_required', '50076']);
    expect(location(answer).get('claims')).toContain('capolids');
  });

  it('new permissions within a session are asked for once; prompt=none says consent_required', async () => {
    const client = { client_id: MULTI, scope: 'openid Mail.Read' };
    const cookie = cookieOf(await idp.authorize(ALICE_HINT));
    expect(errorOf(await idp.authorize({ ...client, prompt: 'none' }, { cookie }))).toEqual([
      'consent_required',
      '65001',
    ]);
    const page = await idp.authorize(client, { cookie });
    expect(page.text).toContain('Permissions requested');
    expect(location(await press(page, { accept: '1' })).get('code')).toBeTruthy();
    expect(location(await idp.authorize({ ...client, prompt: 'none' }, { cookie })).get('code')).toBeTruthy();
  });

  it('prompt=consent always asks, whoever is named', async () => {
    const page = await idp.authorize({ ...ALICE_HINT, prompt: 'consent' });
    expect(page.text).toContain('Permissions requested');
    expect(location(await press(page, { accept: '1' })).get('code')).toBeTruthy();
  });
});

describe('tenants', () => {
  it('common and organizations are for multi-tenant apps: others are 50194', async () => {
    const refused = await idp.authorize({ ...ALICE_HINT, client_id: BROKER }, {}, 'common');
    expect(refused.text).toContain('AADSTS50194');
    const page = await idp.authorize({ client_id: MULTI }, {}, 'organizations');
    expect(page.text).toContain('guido@fabrikam.test');
    const answer = await idp.authorize({ client_id: MULTI, login_hint: 'guido@fabrikam.test' }, {}, 'common');
    const tokens = await idp.token(
      {
        grant_type: 'authorization_code',
        code: location(answer).get('code') ?? '',
        redirect_uri: REDIRECT,
        client_id: MULTI,
        client_secret: 'multi-secret',
      },
      'common',
    );
    const { decodeJwt } = await import('jose');
    expect(decodeJwt(String(tokens.body.id_token)).iss).toBe(`${idp.url}/${OTHER_TID}/v2.0`);
  });

  it('a domain stands for its tenant', async () => {
    const answer = await idp.authorize(ALICE_HINT, {}, 'Contoso.TEST');
    expect(location(answer).get('code')).toBeTruthy();
  });

  it('the parameters may come as a form post', async () => {
    const values = Object.fromEntries(
      new URL(
        `${idp.url}${idp.authorizePath({ ...ALICE_HINT, client_id: REPORT, redirect_uri: 'http://localhost:9999/cb' })}`,
      ).searchParams,
    );
    const answer = await idp.post('/contoso.test/oauth2/v2.0/authorize', values);
    expect(location(answer).get('code')).toBeTruthy();
  });
});

describe('logout', () => {
  it('forgets the sign-in and returns only to a registered address, with the state', async () => {
    const back = 'http://localhost:8080/.auth/logout/complete';
    const answer = await idp.get(
      `/contoso.test/oauth2/v2.0/logout?post_logout_redirect_uri=${encodeURIComponent(back)}&state=x%20y`,
    );
    expect(answer.headers.get('location')).toBe(`${back}?state=x+y`);
    expect(answer.headers.get('set-cookie')).toMatch(/^idp_session=;.*Max-Age=0/);
    const other = await idp.get(
      `/contoso.test/oauth2/v2.0/logout?post_logout_redirect_uri=${encodeURIComponent('https://evil.test/')}`,
    );
    expect([other.status, other.headers.get('location')]).toEqual([200, null]);
    const foreign = await idp.get(
      `/contoso.test/oauth2/v2.0/logout?client_id=${REPORT}&post_logout_redirect_uri=${encodeURIComponent(back)}`,
    );
    expect(foreign.headers.get('location')).toBeNull();
  });

  it('leaves refresh tokens alive, as at Entra', async () => {
    const tokens = await idp.signIn();
    await idp.get('/contoso.test/oauth2/v2.0/logout');
    expect((await idp.refresh(String(tokens.body.refresh_token))).status).toBe(200);
  });
});
