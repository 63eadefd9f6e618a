import { describe, expect, it } from 'vitest';
import { browserAgent, createBrowser } from './support/browser.js';
import { seconds } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId, tid } from './support/scripted_provider.js';
import { type Stack, useStack } from './support/stack.js';

const stack = useStack({
  config: {
    'identityProviders.azureActiveDirectory.validation.allowedAudiences': ['api://token-broker'],
    'login.allowedExternalRedirectUrls': ['https://www.contoso.test/app'],
  },
  env: { WEBSITE_CORS_ALLOWED_ORIGINS: 'https://cors.contoso.test' },
});
const at = (path: string) => `${stack().gateway.url}${path}`;

async function signedIn(of: Stack = stack()) {
  const browser = createBrowser();
  await browser.signIn(`${of.gateway.url}/.auth/login/aad`);
  return browser;
}

const userToken = (extra: Record<string, unknown> = {}, of = stack()) =>
  of.provider.sign({ aud: clientId, sub: 'bob-sub', oid: 'bob-oid', tid, scp: 'x', azp: 'client', ...extra });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('§7.2 bearer tokens [D]', () => {
  it('§7.2 a token for the client id or an allowed audience is accepted', async () => {
    for (const aud of [clientId, 'api://token-broker']) {
      const answer = await createBrowser().ask(at('/api'), { headers: bearer(await userToken({ aud })) });
      expect(answer.json<Seen>().headers['x-ms-client-principal-id']).toEqual(['bob-oid']);
      expect(answer.json<Seen>().headers['x-ms-client-principal-idp']).toEqual(['aad']);
    }
  });

  const wrong: [string, Record<string, unknown>][] = [
    ['another audience', { aud: 'https://graph.microsoft.test' }],
    ['another issuer', { iss: 'https://sts.windows.net/other/' }],
    ['an end in the past', { exp: 1_000 }],
    ['a start in the future', { nbf: 4_000_000_000 }],
    ['no subject', { sub: '' }],
  ];
  it.each(wrong)('§7.2 a token with %s is a 401.83', async (_name, claims) => {
    const answer = await createBrowser().ask(at('/api'), { headers: bearer(await userToken(claims)) });
    expect([answer.status, answer.text]).toEqual([401, '']);
    expect(stack().lines.at(-1)).toContain('status=401.83');
  });

  it('§7.2 an unsigned, garbled or empty token is a 401', async () => {
    const [head, body] = (await userToken()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const token of [`${none}.${body}.`, `${head}.${body}.`, 'x', ''])
      expect((await createBrowser().ask(at('/api'), { headers: bearer(token) })).status).toBe(401);
  });

  it('§7.2 a token remembered as good ends with its own time', async () => {
    const exp = Math.floor(stack().clock.now() / 1000) + 60;
    const headers = bearer(await userToken({ exp }));
    expect((await createBrowser().ask(at('/api'), { headers })).status).toBe(200);
    stack().clock.advance(66 * seconds);
    expect((await createBrowser().ask(at('/api'), { headers })).status).toBe(401);
  });

  it('§14 the Authorization header decides before the cookie', async () => {
    const browser = await signedIn();
    const good = await browser.ask(at('/api'), { headers: bearer(await userToken()) });
    expect(good.json<Seen>().headers['x-ms-client-principal-id']).toEqual(['bob-oid']);
    expect((await browser.ask(at('/api'), { headers: bearer('x') })).status).toBe(401);
  });

  it('tokens with invented key ids do not flood the provider', async () => {
    const before = stack().provider.counts.keys;
    for (let index = 0; index < 30; index += 1) {
      const token = await stack().provider.sign({ aud: clientId, sub: 's' }, { kid: `invented-${index}` });
      await createBrowser().ask(at('/api'), { headers: bearer(token) });
    }
    expect(stack().provider.counts.keys - before).toBeLessThanOrEqual(6);
  });
});

describe('§7.5 the challenge [O]', () => {
  it('§7.5 is an empty 401 naming realm, authorize address and client id, separated by spaces', async () => {
    const answer = await createBrowser().ask(at('/api'));
    expect([answer.status, answer.text]).toEqual([401, '']);
    const host = `localhost:${stack().gateway.port}`;
    const address = `${stack().provider.url}/${tid}/oauth2/v2.0/authorize`;
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer realm="${host}" authorization_uri="${address}" resource_id="${clientId}"`,
    );
    expect(stack().lines.at(-1)).toContain('status=401.71');
  });

  describe('switched off', () => {
    const quiet = useStack({
      config: { 'identityProviders.azureActiveDirectory.login.disableWwwAuthenticate': 'true' },
    });
    it('§7.5 disableWWWAuthenticate removes the header, however it is spelled', async () => {
      const answer = await createBrowser().ask(`${quiet().gateway.url}/api`);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, undefined]);
    });
  });
});

describe('§7.4 excluded paths [D]', () => {
  it('§7.4 §11 exact paths and subtrees pass without authentication', async () => {
    for (const path of ['/', '/?x=1', '/health', '/public/', '/public/a/b%20c'])
      expect((await createBrowser().ask(at(path))).status).toBe(200);
  });

  const around = [
    '/public',
    '/health/',
    '/health/x',
    '/Public/x',
    '/HEALTH',
    '/public/../api',
    '/public/%2e%2e/api',
    '/public/..%2fapi',
    '/public/%2e%2e%2fapi',
    '/public/..%5capi',
    '/public/..\\api',
    '/public/..;/api',
    '/public/;x=1/../../api',
    '/public//../api',
    '//public/x',
    '/public/%252e%252e/api',
    '/public/%c0%ae%c0%ae/api%00',
    '/%70ublic/x',
    '/public/%',
    '/x/../health',
    '/./health',
    '/api#/public/x',
  ];
  it.each(around)('§7.4 %s is no way around', async (path) => {
    const { request } = await import('node:http');
    const status = await new Promise<number>((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port: stack().gateway.port, path });
      outgoing.on('response', (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', reject);
      outgoing.end();
    });
    expect([400, 401]).toContain(status);
  });

  it('§7.4 an authenticated caller gets the headers there too', async () => {
    const seen = (await (await signedIn()).ask(at('/public/x'))).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
  });

  it('a bearer token for somebody else, or Basic, goes on untouched as anonymous', async () => {
    const foreign = await userToken({ aud: 'https://elsewhere.test' });
    for (const authorization of [`Bearer ${foreign}`, 'Bearer junk', 'Basic Y2xpZW50OnNlY3JldA==']) {
      const seen = (
        await createBrowser().ask(at('/public/token'), { headers: { authorization } })
      ).json<Seen>();
      expect(seen.headers.authorization).toEqual([authorization]);
      expect(seen.headers['x-ms-client-principal-id']).toBeUndefined();
    }
  });

  it('a forged cross-site request with a cookie passes as anonymous', async () => {
    const browser = await signedIn();
    const headers = { origin: 'https://evil.test' };
    const seen = (await browser.ask(at('/public/x'), { method: 'POST', headers, body: 'x' })).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toBeUndefined();
  });
});

describe('§7.1 cross-site requests [D]', () => {
  const own = () => stack().gateway.url;
  const cases: [string, Record<string, string>, number][] = [
    ['no Origin and no Referer', {}, 403],
    ['another Origin', { origin: 'https://evil.test', referer: 'https://evil.test/x' }, 403],
    ['Origin null', { origin: 'null' }, 403],
    ['another Origin with our Referer', { origin: 'https://evil.test', referer: 'OWN/x' }, 403],
    ['our Origin', { origin: 'OWN' }, 200],
    [
      'an allowed redirect host',
      { origin: 'https://www.contoso.test', referer: 'https://www.contoso.test/x' },
      200,
    ],
    ['an allowed redirect host without Referer', { origin: 'https://www.contoso.test' }, 403],
    ['a CORS origin', { origin: 'https://cors.contoso.test' }, 200],
    ['a tool that is no browser', { 'user-agent': 'curl/8' }, 200],
    ['a browser hiding its name', { 'user-agent': 'x', 'sec-fetch-site': 'cross-site' }, 403],
  ];
  it.each(cases)('§7.1 a POST by cookie with %s: %d', async (_name, headers, status) => {
    const browser = await signedIn();
    const filled = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('OWN', own())]),
    );
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const)
      expect((await browser.ask(at('/api'), { method, headers: filled })).status).toBe(status);
    if (status === 403) expect(stack().lines.at(-1)).toContain('status=403.60');
  });

  it('§7.1 a GET and a bearer caller are exempt', async () => {
    const headers = { origin: 'https://evil.test' };
    expect((await (await signedIn()).ask(at('/api'), { headers })).status).toBe(200);
    const called = await createBrowser().ask(at('/api'), {
      method: 'POST',
      headers: { ...headers, ...bearer(await userToken()), 'user-agent': browserAgent },
    });
    expect(called.status).toBe(200);
  });
});

const actions = [
  ['Return401', 401],
  ['RejectWith401', 401],
  ['Return403', 403],
  ['RejectWith404', 404],
  ['return404', 404],
] as const;
describe.each(actions)('§7.4 unauthenticatedClientAction %s [D]', (action, status) => {
  const other = useStack({ config: { 'globalValidation.unauthenticatedClientAction': action } });
  it(`§7.4 answers ${status}`, async () => {
    expect((await createBrowser().ask(`${other().gateway.url}/api`)).status).toBe(status);
  });
});

describe('§7.4 RedirectToLoginPage [D]', () => {
  const redirecting = useStack({
    config: { 'globalValidation.unauthenticatedClientAction': 'RedirectToLoginPage' },
  });
  it('§5.1 goes straight to the provider and comes back to the page, login_hint passed on', async () => {
    const browser = createBrowser();
    const url = `${redirecting().gateway.url}/page?a=1&login_hint=bob%40contoso.test`;
    const first = await browser.ask(url);
    expect(first.status).toBe(302);
    const authorize = new URL(String(first.headers.location));
    expect(authorize.origin).toBe(redirecting().provider.url);
    expect(authorize.searchParams.get('login_hint')).toBe('bob@contoso.test');
    const done = await browser.signIn(url);
    expect(done.headers.location).toBe(url);
    expect((await browser.ask(url)).status).toBe(200);
  });
});

describe('§7.4 AllowAnonymous [D/O]', () => {
  const open = useStack({
    config: {
      'globalValidation.unauthenticatedClientAction': 'AllowAnonymous',
      'globalValidation.requireAuthentication': false,
    },
  });
  it('§7.2 lets everybody through, an invalid token as anonymous, a valid one with its headers', async () => {
    const url = `${open().gateway.url}/api`;
    const plain = (await createBrowser().ask(url)).json<Seen>();
    expect(plain.headers['x-ms-client-principal']).toBeUndefined();
    const invalid = (await createBrowser().ask(url, { headers: bearer('junk') })).json<Seen>();
    expect(invalid.headers['x-ms-client-principal']).toBeUndefined();
    const good = await createBrowser().ask(url, { headers: bearer(await userToken({}, open())) });
    expect(good.json<Seen>().headers['x-ms-client-principal-id']).toEqual(['bob-oid']);
  });
});

const aad = 'identityProviders.azureActiveDirectory.validation';
describe('§7.3 the authorization policy [D]', () => {
  const strict = useStack({
    config: {
      [`${aad}.defaultAuthorizationPolicy`]: { allowedApplications: [clientId, 'good-app'] },
      [`${aad}.jwtClaimChecks`]: { allowedGroups: ['G1', 'g2'] },
    },
  });
  const call = async (claims: Record<string, unknown>) => {
    const headers = bearer(await userToken(claims, strict()));
    return (await createBrowser().ask(`${strict().gateway.url}/api`, { headers })).status;
  };

  it('§7.3 every member must agree: application (appid or azp) and group', async () => {
    expect(await call({ azp: 'good-app', groups: ['g1'] })).toBe(200);
    expect(await call({ azp: undefined, appid: 'GOOD-APP', groups: ['x', 'g2'] })).toBe(200);
    expect(await call({ azp: 'other-app', groups: ['g1'] })).toBe(403);
    expect(await call({ azp: 'good-app', groups: ['g3'] })).toBe(403);
    expect(await call({ azp: 'good-app' })).toBe(403);
    expect(strict().lines.at(-1)).toContain('status=403.76');
  });

  it('§7.3 an interactive sign-in counts as our own application, and the other checks hold for it', async () => {
    strict().provider.script.user = { groups: ['g1'] };
    const member = await signedIn(strict());
    expect((await member.ask(`${strict().gateway.url}/api`)).status).toBe(200);
    strict().provider.script.user = { groups: ['none'] };
    const browser = createBrowser();
    expect((await browser.signIn(`${strict().gateway.url}/.auth/login/aad`)).status).toBe(403);
    expect(browser.jar.has('AppServiceAuthSession')).toBe(false);
  });
});

describe('§7.3 allowed identities and tenants [D]', () => {
  const few = useStack({
    config: { [`${aad}.defaultAuthorizationPolicy.allowedPrincipals`]: { identities: ['BOB-OID'] } },
    env: { WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tid },
  });
  const call = async (claims: Record<string, unknown>) => {
    const headers = bearer(await userToken(claims, few()));
    return (await createBrowser().ask(`${few().gateway.url}/api`, { headers })).status;
  };
  it('§7.3 only listed object ids pass; §7.2 a token without one is a 401, and one of another tenant too', async () => {
    expect(await call({})).toBe(200);
    expect(await call({ oid: 'carol-oid' })).toBe(403);
    expect(await call({ oid: undefined })).toBe(401);
    expect(await call({ tid: '99999999-9999-4999-8999-999999999999' })).toBe(401);
  });
});

describe('§3.2 Easy Auth switched off [M]', () => {
  const off = useStack({ config: { 'platform.enabled': false } });
  it('§3.2 everything goes to the app, its own answer for /.auth/me included, platform headers still removed', async () => {
    const headers = { 'x-ms-client-principal-id': 'evil' };
    const seen = (await createBrowser().ask(`${off().gateway.url}/.auth/me`, { headers })).json<Seen>();
    expect(seen.url).toBe('/.auth/me');
    expect(seen.headers['x-ms-client-principal-id']).toBeUndefined();
  });
});
