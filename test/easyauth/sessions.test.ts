import { describe, expect, it } from 'vitest';
import { clearSessionCookies, readSessionCookie, setSessionCookies } from '../../easyauth/session/cookie.js';
import { createBrowser } from './support/browser.js';
import { hours } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

async function signedIn(claims: Record<string, unknown> = {}) {
  const browser = createBrowser();
  stack().provider.script.user = claims;
  const done = await browser.signIn(at('/.auth/login/aad'));
  stack().provider.script.user = {};
  return { browser, done };
}

describe('§6 the session cookie [O]', () => {
  it('§6 in development it is HttpOnly, SameSite=Lax, path=/, without Secure or Domain, and names its end', async () => {
    const { done } = await signedIn();
    const cookie = done.setCookies.find((line) => line.startsWith('AppServiceAuthSession=')) ?? '';
    const expires = new Date(stack().clock.now() + 8 * hours).toUTCString();
    expect(cookie.split('; ').slice(1)).toEqual([`expires=${expires}`, 'path=/', 'HttpOnly', 'SameSite=Lax']);
  });

  it('§6 a session with many claims is split into chunks under 4 KB and works', async () => {
    const groups = Array.from({ length: 200 }, (_, index) => `group-${index}-${'g'.repeat(30)}`);
    const { browser, done } = await signedIn({ groups });
    const chunks = done.setCookies.filter((line) => line.startsWith('AppServiceAuthSession'));
    expect(chunks.length).toBeGreaterThan(2);
    for (const chunk of chunks) expect(chunk.length).toBeLessThan(4096);
    expect((await browser.ask(at('/api'))).status).toBe(200);
    await browser.ask(at('/.auth/logout'));
    expect([...browser.jar.keys()]).toEqual([]);
  });

  it('§6 signing in again with fewer claims removes chunks left over', async () => {
    const { browser } = await signedIn({
      groups: Array.from({ length: 200 }, (_, i) => `group-${i}-${'g'.repeat(30)}`),
    });
    await browser.signIn(at('/.auth/login/aad'));
    expect([...browser.jar.keys()]).toEqual(['AppServiceAuthSession']);
    expect((await browser.ask(at('/api'))).status).toBe(200);
  });

  it('a chunk left behind or tossed in does no harm', () => {
    const [line = ''] = setSessionCookies({ value: 'abc', expiresAt: 0, profile: 'secure', sent: undefined });
    const pair = line.split(';')[0];
    expect(readSessionCookie(`${pair}; AppServiceAuthSession1=junk`)).toBe('abc');
    expect(readSessionCookie('AppServiceAuthSession=2abc')).toBeUndefined();
  });

  it('§6 on https it is Secure and SameSite=None', () => {
    const [line] = setSessionCookies({ value: 'abc', expiresAt: 0, profile: 'secure', sent: undefined });
    expect(line).toMatch(/; path=\/; secure; HttpOnly; SameSite=None$/);
  });

  it('§5.6 §11 sign-out ends every chunk the browser sent', () => {
    const sent = 'AppServiceAuthSession=a; AppServiceAuthSession1=b; AppServiceAuthSession2=c; other=d';
    const names = clearSessionCookies(sent, 'secure').map((line) => line.split('=')[0]);
    expect(names).toEqual(['AppServiceAuthSession', 'AppServiceAuthSession1', 'AppServiceAuthSession2']);
  });

  it('a cookie changed in any one character is no session', async () => {
    const { browser } = await signedIn();
    const value = browser.jar.get('AppServiceAuthSession') ?? '';
    for (let index = 0; index < value.length; index += 97) {
      const other = value[index] === 'A' ? 'B' : 'A';
      const changed = value.slice(0, index) + other + value.slice(index + 1);
      const answer = await createBrowser(new Map([['AppServiceAuthSession', changed]])).ask(at('/api'));
      expect(answer.status).toBe(401);
    }
  });
});

describe('§6 several gateways and restarts [D]', () => {
  it('§6 §11 a session made by one instance is good at another with the same state', async () => {
    const { browser } = await signedIn();
    const second = await stack().another();
    const seen = (await browser.ask(`${second.url}/api`)).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual([aliceOid]);
    expect(seen.headers['x-ms-token-aad-refresh-token']?.length).toBe(1);
  });
});

describe('§6 keys in the environment [D]', () => {
  const [first, second, third] = ['11', '22', '33'].map((pair) => pair.repeat(32));
  const old = useStack({
    env: { WEBSITE_AUTH_ENCRYPTION_KEY: `${first}`, WEBSITE_AUTH_SIGNING_KEY: `${second}` },
  });
  const rolled = useStack({
    env: {
      WEBSITE_AUTH_ENCRYPTION_KEY: `${third},${first}`,
      WEBSITE_AUTH_SIGNING_KEY: `${third},${second}`,
    },
  });
  const foreign = useStack({
    env: { WEBSITE_AUTH_ENCRYPTION_KEY: `${third}`, WEBSITE_AUTH_SIGNING_KEY: `${third}` },
  });

  it('§6 sites with the same keys share sessions; a new key in front keeps the old sessions', async () => {
    const browser = createBrowser();
    await browser.signIn(`${old().gateway.url}/.auth/login/aad`);
    expect((await browser.ask(`${rolled().gateway.url}/api`)).status).toBe(200);
    expect((await browser.ask(`${foreign().gateway.url}/api`)).status).toBe(401);
  });
});

describe('§6 IdentityProviderDerived [D]', () => {
  const derived = useStack({ config: { 'login.cookieExpiration.convention': 'IdentityDerived' } });
  it('§6 the session ends with the provider’s access token', async () => {
    const url = derived().gateway.url;
    const browser = createBrowser();
    await browser.signIn(`${url}/.auth/login/aad`);
    derived().clock.advance(hours - 1000);
    expect((await browser.ask(`${url}/api`)).status).toBe(200);
    derived().clock.advance(1000);
    expect((await browser.ask(`${url}/api`)).status).toBe(401);
  });
});

describe('§5.6 sign-out [D]', () => {
  it('§5.6 ends the cookies, empties the store, ends the provider’s session and returns to logout/complete', async () => {
    const { browser } = await signedIn();
    const kept = new Map(browser.jar);
    const out = await browser.ask(at('/.auth/logout'));
    expect(out.status).toBe(302);
    const away = new URL(String(out.headers.location));
    expect(away.origin).toBe(stack().provider.url);
    expect(away.searchParams.get('post_logout_redirect_uri')).toBe(at('/.auth/logout/complete'));
    expect(browser.jar.size).toBe(0);
    expect((await createBrowser(kept).ask(at('/.auth/me'))).json()).toEqual([]);
    expect((await browser.ask(at('/.auth/logout/complete'))).status).toBe(200);
    expect((await browser.ask(at('/.auth/logout/done'))).status).toBe(200);
  });

  it('§5.6 goes to the asked target after the provider’s page', async () => {
    const { browser } = await signedIn();
    await browser.ask(at('/.auth/logout?post_logout_redirect_uri=/bye%3Fx=1'));
    const back = await browser.ask(at('/.auth/logout/complete'));
    expect(back.headers.location).toBe(at('/bye?x=1'));
    expect(browser.jar.size).toBe(0);
  });

  it('§5.6 a target outside is refused, signed in or not', async () => {
    const path = '/.auth/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.test';
    expect((await (await signedIn()).browser.ask(at(path))).status).toBe(400);
    expect((await createBrowser().ask(at(path))).status).toBe(400);
  });

  it('§5.6 without a session it still clears cookies and answers', async () => {
    const out = await createBrowser().ask(at('/.auth/logout'));
    expect([out.status, out.headers.location]).toEqual([302, at('/.auth/logout/complete')]);
  });

  it('§5.6 a remembered target is checked again', async () => {
    const jar = new Map([['PostLogoutRedirect', encodeURIComponent('https://evil.test/')]]);
    expect((await createBrowser(jar).ask(at('/.auth/logout/complete'))).headers.location).toBe(at('/'));
  });

  describe('§5.6 §5.2 with allowed external targets and an app path [D]', () => {
    const open = useStack({
      config: {
        'login.allowedExternalRedirectUrls': [
          'https://www.contoso.test/goodbye',
          'myapp://easyauth.callback',
        ],
        'login.routes.logoutEndpoint': '/signout',
      },
    });
    it('§5.2 the query is ignored for matching and kept; other paths of the host are refused', async () => {
      const url = open().gateway.url;
      const ask = (target: string) =>
        createBrowser().ask(`${url}/signout?post_logout_redirect_uri=${encodeURIComponent(target)}`);
      const good = await ask('https://www.contoso.test/goodbye?from=app');
      expect(good.headers.location).toBe('https://www.contoso.test/goodbye?from=app');
      expect((await ask('myapp://easyauth.callback?x=1')).status).toBe(302);
      expect((await ask('https://www.contoso.test/other')).status).toBe(400);
      expect((await ask('https://www.contoso.test.evil.test/goodbye')).status).toBe(400);
    });
  });
});
