import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId, tid } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const stack = useStack({ env: { EASYAUTH_GATEWAY_SECRET: 'canary-gateway-secret' } });
const at = (path: string) => `${stack().gateway.url}${path}`;

async function signedIn() {
  const browser = createBrowser();
  await browser.signIn(at('/.auth/login/aad'));
  return browser;
}

interface PrincipalDocument {
  auth_typ: string;
  claims: { typ: string; val: string }[];
  name_typ: string;
  role_typ: string;
}

function principalOf(seen: Seen): PrincipalDocument {
  return JSON.parse(Buffer.from(seen.headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString('utf8'));
}

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';

describe('§2.1 §2.2 §2.3 identity headers [D/M]', () => {
  it('§2.1 §10 a user session gives all four: principal, id (oid), name (e-mail), provider', async () => {
    const seen = (await (await signedIn()).ask(at('/api'))).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
    expect(seen.headers['x-ms-client-principal-name']).toEqual(['alice@contoso.test']);
    expect(seen.headers['x-ms-client-principal-idp']).toEqual(['aad']);
  });

  it('§2.2 the principal is padded Base64 of the four members in order, all values text', async () => {
    const seen = (await (await signedIn()).ask(at('/api'))).json<Seen>();
    const raw = seen.headers['x-ms-client-principal']?.[0] ?? '';
    expect(raw.length % 4).toBe(0);
    expect(raw).not.toMatch(/[-_]/);
    const principal = principalOf(seen);
    expect(Object.keys(principal)).toEqual(['auth_typ', 'claims', 'name_typ', 'role_typ']);
    expect(principal.name_typ).toBe(`${soap}/emailaddress`);
    expect(principal.role_typ).toBe('http://schemas.microsoft.com/ws/2008/06/identity/claims/role');
    expect(principal.claims.every((claim) => typeof claim.val === 'string')).toBe(true);
  });

  it('§2.3 §11 short claim names become the long ones of .NET, the others stay; one element per value', async () => {
    stack().provider.script.user = { roles: ['A', 'B'], given_name: 'Alice', unknown_claim: { a: 1 } };
    const seen = (await (await signedIn()).ask(at('/api'))).json<Seen>();
    stack().provider.script.user = {};
    const types = new Map(principalOf(seen).claims.map((claim) => [claim.typ, claim.val]));
    expect(types.get(`${soap}/nameidentifier`)).toBe('alice-pairwise');
    expect(types.get('http://schemas.microsoft.com/identity/claims/objectidentifier')).toBe(aliceOid);
    expect(types.get('http://schemas.microsoft.com/identity/claims/tenantid')).toBe(tid);
    expect(types.get(`${soap}/givenname`)).toBe('Alice');
    for (const name of ['iss', 'iat', 'exp', 'name', 'preferred_username', 'c_hash', 'nonce'])
      expect(types.has(name)).toBe(true);
    expect(types.get('unknown_claim')).toBe('{"a":1}');
    const roles = principalOf(seen).claims.filter((claim) => claim.typ === 'roles');
    expect(roles.map((claim) => claim.val)).toEqual(['A', 'B']);
  });

  it('a name outside ASCII passes as UTF-8 and cannot break the headers', async () => {
    stack().provider.script.user = { email: 'zoë\r\nX-Evil: 1@contoso.test', name: 'Zoë 漢字' };
    const seen = (await (await signedIn()).ask(at('/api'))).json<Seen>();
    stack().provider.script.user = {};
    const name = Buffer.from(seen.headers['x-ms-client-principal-name']?.[0] ?? '', 'latin1').toString(
      'utf8',
    );
    expect(name).toBe('zoëX-Evil: 1@contoso.test');
    expect(seen.headers['x-evil']).toBeUndefined();
    expect(principalOf(seen).claims.some((claim) => claim.val === 'Zoë 漢字')).toBe(true);
  });

  it('§2.1 an application calling as itself gets no name', async () => {
    const token = await stack().provider.sign({
      aud: clientId,
      sub: 'app-oid',
      oid: 'app-oid',
      tid,
      azp: 'x',
    });
    const answer = await createBrowser().ask(at('/api'), { headers: { authorization: `Bearer ${token}` } });
    const seen = answer.json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual(['app-oid']);
    expect(seen.headers['x-ms-client-principal-name']).toBeUndefined();
    expect(seen.headers['x-ms-token-aad-id-token']).toBeUndefined();
    expect(seen.headers.authorization).toEqual([`Bearer ${token}`]);
  });
});

describe('§2.4 token headers [D]', () => {
  it('§2.4 ID token, access token, expiry in round-trip form and refresh token, each once', async () => {
    const seen = (await (await signedIn()).ask(at('/api'))).json<Seen>();
    expect(seen.headers['x-ms-token-aad-id-token']?.length).toBe(1);
    expect(seen.headers['x-ms-token-aad-access-token']?.[0]).toMatch(/^at\./);
    expect(seen.headers['x-ms-token-aad-refresh-token']?.[0]).toMatch(/^rt\./);
    expect(seen.headers['x-ms-token-aad-expires-on']?.[0]).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/,
    );
  });

  describe('with the token store off', () => {
    const off = useStack({ config: { 'login.tokenStore.enabled': 'false' } });
    it('§2.4 §11 no token headers, but the principal headers', async () => {
      const browser = createBrowser();
      await browser.signIn(`${off().gateway.url}/.auth/login/aad`);
      const seen = (await browser.ask(`${off().gateway.url}/api`)).json<Seen>();
      expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
      expect(Object.keys(seen.headers).filter((name) => name.startsWith('x-ms-token'))).toEqual([]);
    });
  });
});

const forged = {
  'X-MS-CLIENT-PRINCIPAL': 'evil',
  'x-ms-client-principal-id': 'evil',
  'X-Ms-Client-Principal-Name': 'evil',
  'X-MS-CLIENT-PRINCIPAL-IDP': 'evil',
  'X-MS-CLIENT-PRINCIPAL-EXTRA': 'evil',
  'X-MS-TOKEN-AAD-ACCESS-TOKEN': 'evil',
  'X-MS-TOKEN-ANYTHING': 'evil',
  X_MS_CLIENT_PRINCIPAL: 'evil',
  'X_MS-TOKEN_AAD-ID_TOKEN': 'evil',
  'x.ms.client.principal.id': 'evil',
  'X-EasyAuth-Gateway-Secret': 'evil',
  'X-ARR-ClientCert': 'evil',
  'X-Original-URL': '/evil',
  'X-Rewrite-URL': '/evil',
  Forwarded: 'host=evil',
  'X-Forwarded-Host': 'evil',
  'X-Forwarded-For': 'evil',
  'X-Forwarded-Proto': 'evil',
};

describe('§2.5 headers from outside [D]', () => {
  const evil = (seen: Seen) =>
    Object.entries(seen.headers).filter(([, values]) => values.some((value) => value.includes('evil')));

  it('§2.5 platform headers are removed on an excluded path, in every spelling', async () => {
    const seen = (await createBrowser().ask(at('/public/x'), { headers: forged })).json<Seen>();
    expect(evil(seen)).toEqual([]);
    expect(Object.keys(seen.headers).some((name) => name.startsWith('x-ms-'))).toBe(false);
  });

  it('§2.5 and for a signed-in caller, who keeps only the gateway’s own', async () => {
    const seen = (await (await signedIn()).ask(at('/api'), { headers: forged })).json<Seen>();
    expect(evil(seen)).toEqual([]);
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
  });

  it('§2.5 a Connection header cannot take the gateway’s headers away', async () => {
    const browser = await signedIn();
    const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const { gateway } = stack();
    const { connect } = await import('node:net');
    const socket = connect(gateway.port, '127.0.0.1');
    const nominated = 'x-ms-client-principal-id, x-forwarded-proto, cookie, x-mine, close';
    socket.write(
      `GET /api HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nCookie: ${cookie}\r\nX-Mine: 1\r\nConnection: ${nominated}\r\n\r\n`,
    );
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toContain('200 OK');
    expect(text).toContain(aliceOid);
    expect(text).toContain('"x-forwarded-proto":["http"]');
    expect(text).toContain('AppServiceAuthSession');
    expect(text).not.toContain('x-mine":');
  });

  it('the gateway’s own secret goes to the app on every request and to nobody else', async () => {
    const open = (await createBrowser().ask(at('/public/x'))).json<Seen>();
    expect(open.headers['x-easyauth-gateway-secret']).toEqual(['canary-gateway-secret']);
    expect(stack().lines.join('\n')).not.toContain('canary-gateway-secret');
  });

  it('X-Forwarded-For, -Proto and -Host tell the app where the request came from', async () => {
    const seen = (await createBrowser().ask(at('/public/x'))).json<Seen>();
    expect(seen.headers['x-forwarded-for']).toEqual(['127.0.0.1']);
    expect(seen.headers['x-forwarded-proto']).toEqual(['http']);
    expect(seen.headers['x-forwarded-host']).toEqual([`localhost:${stack().gateway.port}`]);
    expect(seen.headers.host).toEqual([`localhost:${stack().gateway.port}`]);
  });

  it('a doubled Authorization or an impossible Host is refused', async () => {
    const doubled = await request(at('/public/x'), { headers: ['authorization', 'a', 'authorization', 'b'] });
    expect(doubled.statusCode).toBe(400);
    await doubled.body.dump();
    for (const host of ['evil.test/path', 'a b', 'evil@x', 'x:99999']) {
      const answer = await request(at('/public/x'), { headers: { host } });
      await answer.body.dump();
      expect(answer.statusCode).toBe(400);
    }
  });
});

describe('§8 behind a trusted proxy [D]', () => {
  const behind = useStack({
    config: { 'httpSettings.forwardProxy.convention': 'Standard', 'httpSettings.requireHttps': true },
  });

  it('§8 §11 Standard takes host and scheme from X-Forwarded-Host and -Proto', async () => {
    const headers = { 'x-forwarded-host': 'app.example', 'x-forwarded-proto': 'https' };
    const answer = await createBrowser().ask(`${behind().gateway.url}/.auth/login/aad`, { headers });
    const authorize = new URL(String(answer.headers.location));
    expect(authorize.searchParams.get('redirect_uri')).toBe('https://app.example/.auth/login/aad/callback');
    expect(answer.setCookies[0]).toMatch(/; path=\/; secure; HttpOnly; SameSite=None$/);
  });

  it('§8 requireHttps sends plain http to https, nothing reaches the app', async () => {
    const count = behind().app.seen.length;
    const headers = { 'x-forwarded-host': 'app.example', 'x-forwarded-proto': 'http' };
    const answer = await createBrowser().ask(`${behind().gateway.url}/public/x?y=1`, { headers });
    expect([answer.status, answer.headers.location]).toEqual([307, 'https://app.example/public/x?y=1']);
    expect(behind().app.seen.length).toBe(count);
  });

  it('X-Forwarded-For is continued', async () => {
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
    const answer = await createBrowser().ask(`${behind().gateway.url}/public/x`, { headers });
    expect(answer.json<Seen>().headers['x-forwarded-for']).toEqual(['203.0.113.9, 127.0.0.1']);
  });
});
