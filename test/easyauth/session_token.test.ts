import { randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import { createClock, hours, seconds } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId, tid } from './support/scripted_provider.js';
import { type Stack, startStack, useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

type Given = { authenticationToken: string; user: { userId: string } };

/** A session token from a server-directed sign-in in token mode. */
async function tokenOf(from: Stack = stack(), user: Record<string, unknown> = {}): Promise<string> {
  from.provider.script.user = user;
  const done = await createBrowser().signIn(`${from.gateway.url}/.auth/login/aad?session_mode=token`);
  from.provider.script.user = {};
  const fragment = new URL(String(done.headers.location)).hash.slice('#token='.length);
  return (JSON.parse(decodeURIComponent(fragment)) as Given).authenticationToken;
}
const ask = (path: string, token: string, more: Record<string, string> = {}, from = stack()) =>
  createBrowser().ask(`${from.gateway.url}${path}`, { headers: { 'x-zumo-auth': token, ...more } });

const keys: [string, string, string][] = [
  ['HS256', randomBytes(32).toString('hex'), 'hex'],
  ['HS384', randomBytes(48).toString('hex'), 'hex'],
  ['HS512', randomBytes(64).toString('hex'), 'hex'],
  ['HS256', `${randomBytes(31).toString('base64').slice(0, -2)}+=`, 'base64'],
  ['HS384', randomBytes(40).toString('base64'), 'base64'],
];

describe('§5.5 the session JWT [M]', () => {
  it.each(keys)(
    '%s by the length of the signing key %#, which verifies it',
    async (alg, signing, encoding) => {
      const env = { WEBSITE_AUTH_SIGNING_KEY: signing, WEBSITE_AUTH_ENCRYPTION_KEY: '0'.repeat(64) };
      const own = await startStack({ env });
      try {
        const token = await tokenOf(own);
        expect(decodeProtectedHeader(token).alg).toBe(alg);
        const secret = Buffer.from(signing, encoding === 'hex' ? 'hex' : 'base64');
        const currentDate = new Date(own.clock.now());
        const { payload } = await jwtVerify(token, secret, { algorithms: [alg], currentDate });
        expect(payload.ver).toBe('3');
      } finally {
        await own.close();
      }
    },
  );

  it('iss and aud are the site root with a closing slash, sub is sid: and 32 hexadecimal digits', async () => {
    const claims = decodeJwt(await tokenOf());
    expect([claims.iss, claims.aud]).toEqual([at('/'), at('/')]);
    expect(claims.sub).toMatch(/^sid:[0-9a-f]{32}$/);
    expect(claims.nbf).toBe(Math.floor(stack().clock.now() / 1000));
  });

  it('it says nothing readable about the user', async () => {
    const text = JSON.stringify(decodeJwt(await tokenOf()));
    for (const canary of ['alice', aliceOid, tid]) expect(text).not.toContain(canary);
  });

  it('§14 it ends with the provider’s access token', async () => {
    const { exp = 0 } = decodeJwt(await tokenOf());
    expect(exp * 1000).toBe(stack().clock.now() + 3600 * seconds);
  });
});

describe('§5.4 X-ZUMO-AUTH [M]', () => {
  it('is accepted by the app, /.auth/me and its ?provider=, and is passed on to the app', async () => {
    const token = await tokenOf();
    const seen = (await ask('/api', token)).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
    expect(seen.headers['x-ms-token-aad-access-token']?.[0]).toMatch(/^at\./);
    expect(seen.headers['x-zumo-auth']).toEqual([token]);
    expect((await ask('/.auth/me', token)).json<unknown[]>()).toHaveLength(1);
    expect((await ask('/.auth/me?provider=aad', token)).json()).toMatchObject({ provider_name: 'aad' });
  });

  it('§7.1 is exempt from the cross-site rule', async () => {
    const evil = { origin: 'https://evil.test', referer: 'https://evil.test/' };
    const headers = { 'x-zumo-auth': await tokenOf(), ...evil };
    const answer = await createBrowser().ask(at('/api'), { method: 'POST', headers, body: 'x' });
    expect(answer.status).toBe(200);
  });

  const forged: [string, (token: string) => Promise<string> | string][] = [
    ['changed in its signature', (token) => `${token.slice(0, -4)}AAAA`],
    ['without a signature', (token) => `${token.split('.').slice(0, 2).join('.')}.`],
    [
      'signed by another key',
      (token) => new SignJWT(decodeJwt(token)).setProtectedHeader({ alg: 'HS256' }).sign(randomBytes(32)),
    ],
    [
      'of algorithm none',
      (token) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
    ],
    ['that is none', () => 'zumo'],
  ];
  it.each(forged)('a token %s is a 401 (83), also at /.auth/refresh', async (_name, change) => {
    const token = await change(await tokenOf());
    expect((await ask('/api', token)).status).toBe(401);
    expect(stack().lines.at(-1)).toContain('status=401.83');
    expect((await ask('/.auth/refresh', token)).status).toBe(401);
  });

  it('a token of another site is no token here', async () => {
    const token = await tokenOf();
    const answer = await ask('/api', token, { host: `127.0.0.1:${stack().gateway.port}` });
    expect(answer.status).toBe(401);
  });

  it('a second gateway with the same keys accepts it', async () => {
    const env = { WEBSITE_AUTH_SIGNING_KEY: '1'.repeat(64), WEBSITE_AUTH_ENCRYPTION_KEY: '2'.repeat(64) };
    const own = await startStack({ env });
    try {
      const token = await tokenOf(own);
      const other = await own.another();
      const headers = { 'x-zumo-auth': token, host: `localhost:${own.gateway.port}` };
      expect((await createBrowser().ask(`${other.url}/api`, { headers })).status).toBe(200);
    } finally {
      await own.close();
    }
  });

  it('signing out with it empties the store', async () => {
    const token = await tokenOf(stack(), { oid: 'zumo-leaver', sub: 'zumo-leaver' });
    await ask('/.auth/logout', token);
    expect((await ask('/.auth/me', token)).json()).toEqual([]);
  });
});

describe('§4.3 refresh by X-ZUMO-AUTH [M]', () => {
  it('answers a new token and the user id, sets no cookie, and the new token works', async () => {
    const token = await tokenOf();
    stack().clock.advance(600 * seconds);
    const answer = await ask('/.auth/refresh', token);
    const given = answer.json<Given>();
    expect([answer.status, answer.setCookies]).toEqual([200, []]);
    expect(Object.keys(given)).toEqual(['authenticationToken', 'user']);
    expect(given.user.userId).toBe(decodeJwt(token).sub);
    expect(decodeJwt(given.authenticationToken).exp).toBe((decodeJwt(token).exp ?? 0) + 600);
    expect((await ask('/api', given.authenticationToken)).status).toBe(200);
  });

  it('by POST from anywhere: the cross-site rule is for cookies', async () => {
    const headers = { 'x-zumo-auth': await tokenOf(), origin: 'https://evil.test' };
    expect((await createBrowser().ask(at('/.auth/refresh'), { method: 'POST', headers })).status).toBe(200);
  });
});

const extensions: [string, Record<string, unknown>, Record<string, string>, number][] = [
  ['default', {}, {}, 72],
  ['0', { 'login.tokenStore.tokenRefreshExtensionHours': 0 }, {}, 0],
  ['a fraction', { 'login.tokenStore.tokenRefreshExtensionHours': 0.5 }, {}, 0.5],
  ['text', { 'login.tokenStore.tokenRefreshExtensionHours': '1.5' }, {}, 1.5],
  ['the setting', {}, { WEBSITE_AUTH_TOKEN_REFRESH_HOURS: '2' }, 2],
  [
    'the setting over the document',
    { 'login.tokenStore.tokenRefreshExtensionHours': 9 },
    { WEBSITE_AUTH_TOKEN_REFRESH_HOURS: '0.25' },
    0.25,
  ],
];

describe('§4.1 §8 the grace of a session token, and every way to set it [D]', () => {
  it.each(extensions)('set as %s it is what was set', async (_name, config, env, grace) => {
    const clock = createClock();
    const own = await startStack({ config, env, clock });
    try {
      const token = await tokenOf(own);
      clock.advance(1 * hours + seconds);
      expect((await ask('/api', token, {}, own)).status).toBe(401);
      clock.advance(grace * hours - 2 * seconds);
      if (grace > 0) expect((await ask('/.auth/refresh', token, {}, own)).status).toBe(200);
      clock.advance(2 * seconds);
      expect((await ask('/.auth/refresh', token, {}, own)).status).toBe(401);
    } finally {
      await own.close();
    }
  });

  it('in the grace only /.auth/refresh accepts it; provider tokens have no such grace', async () => {
    const own = await startStack();
    try {
      const token = await tokenOf(own);
      own.clock.advance(2 * hours);
      for (const path of ['/api', '/.auth/me']) expect((await ask(path, token, {}, own)).status).toBe(401);
      const bearer = await own.provider.sign({
        aud: clientId,
        sub: 's',
        oid: aliceOid,
        exp: Math.floor(own.clock.now() / 1000) - 60,
      });
      const headers = { authorization: `Bearer ${bearer}` };
      expect((await createBrowser().ask(`${own.gateway.url}/.auth/refresh`, { headers })).status).toBe(401);
      const renewed = (await ask('/.auth/refresh', token, {}, own)).json<Given>().authenticationToken;
      expect((await ask('/api', renewed, {}, own)).status).toBe(200);
    } finally {
      await own.close();
    }
  });
});

describe('§14 credential precedence [U]', () => {
  const orders: [string, string][] = [
    ['zumo-bearer-cookie', 'zumo'],
    ['bearer-zumo-cookie', 'bearer'],
    ['cookie-zumo-bearer', 'cookie'],
  ];
  it.each(orders)('%s: the first decides', async (order, winner) => {
    const own = await startStack({ env: { EASYAUTH_COMPAT: `credentialPrecedence=${order}` } });
    try {
      const user = (name: string) => ({ oid: `${name}-oid`, sub: name });
      const token = await tokenOf(own, user('zumo'));
      own.provider.script.user = user('cookie');
      const browser = createBrowser();
      await browser.signIn(`${own.gateway.url}/.auth/login/aad`);
      const bearer = await own.provider.sign({ aud: clientId, tid, ...user('bearer') });
      const headers = { 'x-zumo-auth': token, authorization: `Bearer ${bearer}` };
      const seen = (await browser.ask(`${own.gateway.url}/api`, { headers })).json<Seen>();
      expect(seen.headers['x-ms-client-principal-id']).toEqual([`${winner}-oid`]);
    } finally {
      await own.close();
    }
  });

  it('a session token that is not good does not fall back to the cookie', async () => {
    const browser = createBrowser();
    await browser.signIn(at('/.auth/login/aad'));
    expect((await browser.ask(at('/api'))).status).toBe(200);
    expect((await browser.ask(at('/api'), { headers: { 'x-zumo-auth': 'no.good.token' } })).status).toBe(401);
  });
});
