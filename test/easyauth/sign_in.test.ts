import { describe, expect, it } from 'vitest';
import { type Browser, createBrowser, providerForm } from './support/browser.js';
import { hours, seconds } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

async function start(browser: Browser, query = '') {
  const answer = await browser.ask(at(`/.auth/login/aad${query}`));
  return { answer, authorize: new URL(String(answer.headers.location)) };
}

async function post(browser: Browser, fields: Record<string, string>) {
  return browser.ask(at('/.auth/login/aad/callback'), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });
}

describe('§5.1 the authorize request [O/M]', () => {
  it('§5.1 asks for code and ID token by form post, with the registered redirect address', async () => {
    const { answer, authorize } = await start(createBrowser(), '?post_login_redirect_uri=/api/x');
    expect(answer.status).toBe(302);
    const query = Object.fromEntries(authorize.searchParams);
    expect(query).toMatchObject({
      response_type: 'code id_token',
      response_mode: 'form_post',
      client_id: clientId,
      redirect_uri: at('/.auth/login/aad/callback'),
      scope: 'openid profile email offline_access',
    });
    expect(String(answer.headers.location)).toContain('state=redir%3D%252Fapi%252Fx');
  });

  it('§5.1 the nonce is 32 hexadecimal digits, an underscore and the UTC time', async () => {
    const { authorize } = await start(createBrowser());
    expect(authorize.searchParams.get('nonce')).toMatch(/^[0-9a-f]{32}_20261123\d{6}$/);
  });

  it('§5.1 login_hint, domain_hint, prompt, scope, resource and p pass on and win over the configuration', async () => {
    const passed = { login_hint: 'a@b.c', domain_hint: 'b.c', prompt: 'none', resource: 'r', p: 'policy' };
    const query = new URLSearchParams({ ...passed, scope: 'openid api://x/y' });
    const { authorize } = await start(createBrowser(), `?${query}`);
    expect(Object.fromEntries(authorize.searchParams)).toMatchObject({
      ...passed,
      scope: 'openid api://x/y',
    });
  });

  it('§5.1 no query parameter can replace what the gateway decides', async () => {
    const query =
      'redirect_uri=https://evil.test&client_id=x&response_type=token&state=s&nonce=n&response_mode=query';
    const { authorize } = await start(createBrowser(), `?${query}`);
    expect(authorize.searchParams.get('redirect_uri')).toBe(at('/.auth/login/aad/callback'));
    expect(authorize.searchParams.getAll('client_id')).toEqual([clientId]);
    expect(authorize.searchParams.get('response_type')).toBe('code id_token');
    expect(authorize.searchParams.get('nonce')).not.toBe('n');
  });

  it('§5.1 the Nonce cookie is opaque and HttpOnly', async () => {
    const { answer, authorize } = await start(createBrowser());
    const cookie = answer.setCookies.find((line) => line.startsWith('Nonce='));
    expect(cookie).toContain('HttpOnly');
    expect(cookie).not.toContain(authorize.searchParams.get('nonce') ?? 'none');
  });

  it('§1 a provider that is not configured is a 404', async () => {
    expect((await createBrowser().ask(at('/.auth/login/google'))).status).toBe(404);
  });
});

describe('§5.2 the redirect target [D]', () => {
  const bad = [
    'https://evil.test/',
    '//evil.test',
    '/\\evil.test',
    'javascript:alert(1)',
    'http://localhost@evil.test/',
    '/a\nb',
  ];
  it.each(bad)('§5.2 %j is refused with 400', async (target) => {
    const query = new URLSearchParams({ post_login_redirect_uri: target });
    expect((await createBrowser().ask(at(`/.auth/login/aad?${query}`))).status).toBe(400);
  });

  it('§5.1 the older name post_login_redirect_url is read too', async () => {
    const done = await createBrowser().signIn(at('/.auth/login/aad?post_login_redirect_url=/old'));
    expect(done.headers.location).toBe(at('/old'));
  });

  it('§5.1 success is a 302 with an absolute address on the same host, the query kept', async () => {
    const target = encodeURIComponent('/api/x?y=1&z=a%20b');
    const done = await createBrowser().signIn(at(`/.auth/login/aad?post_login_redirect_uri=${target}`));
    expect(done.status).toBe(302);
    expect(done.headers.location).toBe(at('/api/x?y=1&z=a%20b'));
  });

  it('§5.2 a state changed on the way cannot lead to another site', async () => {
    const browser = createBrowser();
    const { authorize } = await start(browser);
    const { fields } = await providerForm(authorize.href);
    const done = await post(browser, { ...fields, state: 'redir=https%3A%2F%2Fevil.test%2F' });
    expect(done.headers.location).toBe(at('/'));
  });
});

describe('§5.1 the callback [O]', () => {
  it('§5.1 removes Nonce and RedirectCount and sets the session', async () => {
    const browser = createBrowser();
    const done = await browser.signIn(at('/.auth/login/aad'));
    expect(done.setCookies).toContain('Nonce=deleted; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT');
    expect([...browser.jar.keys()]).toEqual(['AppServiceAuthSession']);
    const seen = (await browser.ask(at('/api'))).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
  });

  it('redeems the code with the secret in the form', async () => {
    await createBrowser().signIn(at('/.auth/login/aad'));
    const form = stack().provider.tokenCalls.at(-1);
    expect(form?.get('grant_type')).toBe('authorization_code');
    expect(form?.get('redirect_uri')).toBe(at('/.auth/login/aad/callback'));
  });

  it('an answer without this browser’s Nonce cookie is refused', async () => {
    const { authorize } = await start(createBrowser());
    const { fields } = await providerForm(authorize.href);
    const answer = await post(createBrowser(), fields);
    expect(answer.status).toBe(401);
    expect(answer.setCookies).toEqual([]);
  });

  it('an answer cannot be used twice', async () => {
    const browser = createBrowser();
    const { authorize } = await start(browser);
    const { fields } = await providerForm(authorize.href);
    expect((await post(browser, fields)).status).toBe(302);
    expect((await post(browser, fields)).status).toBe(401);
  });

  it('two sign-ins under way in one browser both succeed', async () => {
    const browser = createBrowser();
    const first = await start(browser, '?post_login_redirect_uri=/one');
    const second = await start(browser, '?post_login_redirect_uri=/two');
    const one = await post(browser, (await providerForm(first.authorize.href)).fields);
    const two = await post(browser, (await providerForm(second.authorize.href)).fields);
    expect([one.headers.location, two.headers.location]).toEqual([at('/one'), at('/two')]);
  });

  it('§5.1 a sign-in older than the nonce starts again by itself, and stops after a few rounds', async () => {
    const browser = createBrowser();
    let { authorize } = await start(browser, '?post_login_redirect_uri=/late');
    for (let round = 0; round < 4; round += 1) {
      stack().clock.advance(301 * seconds);
      const again = await post(browser, (await providerForm(authorize.href)).fields);
      expect(again.status).toBe(302);
      authorize = new URL(String(again.headers.location));
      expect(authorize.pathname).toContain('/authorize');
      expect(authorize.searchParams.get('state')).toContain('late');
    }
    stack().clock.advance(301 * seconds);
    expect((await post(browser, (await providerForm(authorize.href)).fields)).status).toBe(400);
  });

  it('an error of the provider is a 401 that repeats the code only', async () => {
    const answer = await post(createBrowser(), {
      error: 'access_denied',
      error_description: '<script>alice</script>',
    });
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('access_denied');
    expect(answer.text).not.toContain('alice');
    const odd = await post(createBrowser(), { error: '<b>x</b>' });
    expect(odd.text).not.toContain('<b>');
  });

  const forgeries: [string, (claims: Record<string, unknown>) => Record<string, unknown>][] = [
    ['of another audience', (claims) => ({ ...claims, aud: 'someone-else' })],
    ['of another issuer', (claims) => ({ ...claims, iss: 'https://evil.test/v2.0' })],
    ['with another nonce', (claims) => ({ ...claims, nonce: 'n' })],
    ['whose c_hash is not of the code', (claims) => ({ ...claims, c_hash: 'AAAA' })],
    ['without c_hash', ({ c_hash: _gone, ...claims }) => claims],
    ['that has ended', (claims) => ({ ...claims, exp: 1_000 })],
  ];
  it.each(forgeries)('an ID token %s signs nobody in', async (_name, tamper) => {
    const { script } = stack().provider;
    script.tamper = tamper;
    try {
      const browser = createBrowser();
      const calls = stack().provider.tokenCalls.length;
      const answer = await browser.signIn(at('/.auth/login/aad'));
      expect(answer.status).toBe(401);
      expect(browser.jar.has('AppServiceAuthSession')).toBe(false);
      expect(stack().provider.tokenCalls.length).toBe(calls);
    } finally {
      script.tamper = undefined;
    }
  });

  it('an ID token signed by another key signs nobody in', async () => {
    const browser = createBrowser();
    const { authorize } = await start(browser);
    const { fields } = await providerForm(authorize.href);
    const [head, body, signature = ''] = (fields.id_token ?? '').split('.');
    const flipped = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
    const answer = await post(browser, { ...fields, id_token: `${head}.${body}.${flipped}` });
    expect(answer.status).toBe(401);
  });

  it('a new signing key of the provider is picked up at once', async () => {
    await createBrowser().signIn(at('/.auth/login/aad'));
    await stack().provider.rotateKeys();
    expect((await createBrowser().signIn(at('/.auth/login/aad'))).status).toBe(302);
  });

  it('what went wrong is text for programs, and for a person’s browser a page with a way on', async () => {
    const path = at('/.auth/login/aad/callback?error=access_denied');
    const text = await createBrowser().ask(path);
    expect([text.status, text.text]).toEqual([401, 'The sign-in failed: access_denied.\n']);
    const accept = 'text/html,application/xhtml+xml;q=0.9';
    const page = await createBrowser().ask(path, { headers: { accept } });
    expect([page.status, page.headers['content-type']]).toEqual([401, 'text/html; charset=utf-8']);
    expect(page.text).toContain('<p>The sign-in failed: access_denied.</p><p><a href="/">');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('a form that is too large or no form is refused', async () => {
    const large = await post(createBrowser(), { id_token: 'x'.repeat(600_000) });
    expect(large.status).toBe(401);
    const json = await createBrowser().ask(at('/.auth/login/aad/callback'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(json.status).toBe(401);
  });
});

describe('§5.1 provider trouble [U]', () => {
  it('a token endpoint that fails gives 502, a refused client 500, and nobody is signed in', async () => {
    const { script } = stack().provider;
    for (const [fault, status] of [
      [{ status: 503 }, 502],
      [{ status: 0, reset: true }, 502],
      [{ status: 401, body: { error: 'invalid_client' } }, 500],
      [{ status: 400, body: { error: 'invalid_grant' } }, 401],
    ] as const) {
      script.tokenFault = fault;
      const browser = createBrowser();
      const answer = await browser.signIn(at('/.auth/login/aad'));
      script.tokenFault = undefined;
      expect(answer.status).toBe(status);
      expect(browser.jar.has('AppServiceAuthSession')).toBe(false);
    }
  });

  it('metadata and keys are kept over an outage of the provider', async () => {
    await createBrowser().signIn(at('/.auth/login/aad'));
    const { script } = stack().provider;
    script.metadataFault = true;
    script.keysFault = true;
    stack().clock.advance(2 * hours);
    expect((await createBrowser().signIn(at('/.auth/login/aad'))).status).toBe(302);
    script.metadataFault = false;
    script.keysFault = false;
  });

  it('no token, code, secret or name of a user reaches the log', async () => {
    await createBrowser().signIn(at('/.auth/login/aad'));
    const text = stack().lines.join('\n');
    for (const canary of ['alice', 'Alice', 'S3cret', 'at.', 'rt.', 'eyJ', 'code='])
      expect(text).not.toContain(canary);
  });
});

describe('§5.1 a first contact while the provider is down [U]', () => {
  const down = useStack();
  it('answers 502 and asks the provider again only after a pause', async () => {
    const { provider, gateway, clock } = down();
    provider.script.metadataFault = true;
    for (let count = 0; count < 3; count += 1)
      expect((await createBrowser().ask(`${gateway.url}/.auth/login/aad`)).status).toBe(502);
    expect(provider.counts.metadata).toBe(1);
    provider.script.metadataFault = false;
    clock.advance(6 * seconds);
    expect((await createBrowser().ask(`${gateway.url}/.auth/login/aad`)).status).toBe(302);
  });
});

describe('§5.1 without a client secret [D]', () => {
  const implicit = useStack({
    config: { 'identityProviders.azureActiveDirectory.registration.clientSecretSettingName': null },
  });
  it('§5.1 only an ID token is asked for and stored', async () => {
    const browser = createBrowser();
    const start = await browser.ask(`${implicit().gateway.url}/.auth/login/aad`);
    expect(new URL(String(start.headers.location)).searchParams.get('response_type')).toBe('id_token');
    expect((await browser.signIn(`${implicit().gateway.url}/.auth/login/aad`)).status).toBe(302);
    const seen = (await browser.ask(`${implicit().gateway.url}/api`)).json<Seen>();
    expect(seen.headers['x-ms-token-aad-id-token']?.[0]).toMatch(/^eyJ/);
    expect(seen.headers['x-ms-token-aad-access-token']).toBeUndefined();
    expect(implicit().provider.tokenCalls.length).toBe(0);
  });
});
