import { describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import { hours, seconds } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

type Entry = { access_token: string; refresh_token?: string; expires_on: string; id_token: string };

async function signedIn(url = stack().gateway.url) {
  const browser = createBrowser();
  await browser.signIn(`${url}/.auth/login/aad`);
  const entry = async () => (await browser.ask(`${url}/.auth/me`)).json<Entry[]>()[0];
  return { browser, entry };
}

describe('§4.2 asking for a refresh [D/M]', () => {
  it('§4.2 by GET, with the session cookie or with X-ZUMO-AUTH; ended within the extension is good enough', async () => {
    const { browser } = await signedIn();
    const done = await createBrowser().signIn(at('/.auth/login/aad?session_mode=token'));
    const json = decodeURIComponent(new URL(String(done.headers.location)).hash.slice('#token='.length));
    const { authenticationToken } = JSON.parse(json) as { authenticationToken: string };
    const headers = { 'x-zumo-auth': authenticationToken };
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    expect((await createBrowser().ask(at('/.auth/refresh'), { headers })).status).toBe(200);
    stack().clock.advance(9 * hours);
    expect((await browser.ask(at('/api'))).status).toBe(401);
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    expect((await createBrowser().ask(at('/.auth/refresh'), { headers })).status).toBe(200);
  });

  it('§4.2 PUT and DELETE are a 405 that says what is allowed', async () => {
    const { browser } = await signedIn();
    for (const method of ['PUT', 'DELETE'] as const) {
      const answer = await browser.ask(at('/.auth/refresh'), {
        method,
        headers: { origin: stack().gateway.url },
      });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    }
  });
});

describe('§4.3 a refresh [D/M]', () => {
  it('§4.3 brings new tokens, an empty 200 and a new session cookie; headers and /me show them', async () => {
    const { browser, entry } = await signedIn();
    const before = await entry();
    const cookie = browser.jar.get('AppServiceAuthSession');
    stack().clock.advance(1800 * seconds);
    const answer = await browser.ask(at('/.auth/refresh'));
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(browser.jar.get('AppServiceAuthSession')).not.toBe(cookie);
    const after = await entry();
    expect(after?.access_token).not.toBe(before?.access_token);
    expect(after?.refresh_token).not.toBe(before?.refresh_token);
    expect(Date.parse(after?.expires_on ?? '')).toBe(stack().clock.now() + 3600 * seconds);
    const seen = (await browser.ask(at('/api'))).json<Seen>();
    expect(seen.headers['x-ms-token-aad-access-token']).toEqual([after?.access_token]);
    expect(seen.headers['x-ms-token-aad-expires-on']).toEqual([after?.expires_on]);
  });

  it('§4.5 asks for the scope of the sign-in again', async () => {
    const browser = createBrowser();
    await browser.signIn(at('/.auth/login/aad?scope=openid+offline_access+api%3A%2F%2Fx%2Fy'));
    await browser.ask(at('/.auth/refresh'));
    expect(stack().provider.tokenCalls.at(-1)?.get('scope')).toBe('openid offline_access api://x/y');
  });

  it('§14 keeps the old refresh token when none comes back', async () => {
    const { browser, entry } = await signedIn();
    const before = await entry();
    stack().provider.script.rotate = false;
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    stack().provider.script.rotate = true;
    const after = await entry();
    expect(after?.refresh_token).toBe(before?.refresh_token);
    expect(after?.access_token).not.toBe(before?.access_token);
  });

  it('without a new ID token the identity stays as it was', async () => {
    const { browser, entry } = await signedIn();
    const before = await entry();
    stack().provider.script.idTokenOnRefresh = false;
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    stack().provider.script.idTokenOnRefresh = true;
    expect((await entry())?.id_token).toBe(before?.id_token);
  });

  it('roles that changed at the provider arrive with the new session', async () => {
    const { browser } = await signedIn();
    stack().provider.script.user = { roles: ['Audit.Read'] };
    await browser.ask(at('/.auth/refresh'));
    stack().provider.script.user = {};
    const seen = (await browser.ask(at('/api'))).json<Seen>();
    const principal = Buffer.from(seen.headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString();
    expect(principal).toContain('{"typ":"roles","val":"Audit.Read"}');
  });

  it('§14 a sign-in that brings no refresh token keeps the stored one', async () => {
    const { entry } = await signedIn();
    const before = await entry();
    stack().provider.script.refreshTokens = false;
    const { entry: again } = await signedIn();
    stack().provider.script.refreshTokens = true;
    expect((await again())?.refresh_token).toBe(before?.refresh_token);
  });
});

describe('§4.4 refresh statuses [M/O]', () => {
  it('§4.2 §4.4 401 with the challenge without a session, and for a bearer caller', async () => {
    const none = await createBrowser().ask(at('/.auth/refresh'));
    expect(none.status).toBe(401);
    expect(none.headers['www-authenticate']).toMatch(/^Bearer realm=/);
    const token = await stack().provider.sign({
      aud: '22222222-2222-4222-8222-222222222222',
      sub: 's',
      oid: 'o',
    });
    const bearer = await createBrowser().ask(at('/.auth/refresh'), {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(bearer.status).toBe(401);
  });

  it('§4.4 §11 403 when the store holds no refresh token (80)', async () => {
    const url = stack().gateway.url;
    const browser = createBrowser();
    stack().provider.script.user = { oid: 'no-refresh-oid', sub: 'no-refresh' };
    stack().provider.script.refreshTokens = false;
    await browser.signIn(`${url}/.auth/login/aad`);
    stack().provider.script.refreshTokens = true;
    stack().provider.script.user = {};
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(403);
    expect(stack().lines.at(-1)).toContain('status=403.80');
  });

  const faults = [
    ['403.81', { status: 400, body: { error: 'invalid_grant' } }],
    ['403.81', { status: 400, body: { error: 'interaction_required' } }],
    ['502.79', { status: 500 }],
    ['502.79', { status: 429, body: { error: 'slow_down' } }],
    ['502.79', { status: 200, reset: true }],
    ['500.74', { status: 401, body: { error: 'invalid_client' } }],
  ] as const;
  it.each(faults)('§4.4 %s for %j, and the stored tokens stay', async (status, fault) => {
    const { browser } = await signedIn();
    const tokens = async () => {
      const { headers } = (await browser.ask(at('/api'))).json<Seen>();
      return ['access-token', 'refresh-token'].map((kind) => headers[`x-ms-token-aad-${kind}`]);
    };
    const before = await tokens();
    stack().provider.script.tokenFault = fault;
    const answer = await browser.ask(at('/.auth/refresh'));
    stack().provider.script.tokenFault = undefined;
    expect(answer.status).toBe(Number(status.slice(0, 3)));
    expect(stack().lines.some((line) => line.includes(`status=${status}`))).toBe(true);
    expect(before.flat()).toHaveLength(2);
    expect(await tokens()).toEqual(before);
    stack().clock.advance(2 * seconds);
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
  });

  it('a refresh that brings another user is refused and changes nothing', async () => {
    const { browser, entry } = await signedIn();
    const before = await entry();
    stack().provider.script.user = { oid: 'someone-else', sub: 'someone-else' };
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(403);
    stack().provider.script.user = {};
    expect(await entry()).toEqual(before);
  });

  it('§4.2 §14 POST is accepted from this site and refused from another', async () => {
    const { browser } = await signedIn();
    const url = stack().gateway.url;
    const own = await browser.ask(at('/.auth/refresh'), { method: 'POST', headers: { origin: url } });
    expect(own.status).toBe(200);
    const other = await browser.ask(at('/.auth/refresh'), {
      method: 'POST',
      headers: { origin: 'https://evil.test', referer: 'https://evil.test/' },
    });
    expect(other.status).toBe(403);
    expect((await browser.ask(at('/.auth/refresh'), { method: 'PUT' })).status).toBe(405);
  });
});

describe('§4.1 lifetimes [D]', () => {
  it('§4.1 §11 a session lives 8 hours and its refresh 72 hours more, the provider tokens no longer', async () => {
    const { browser } = await signedIn();
    stack().clock.advance(8 * hours - seconds);
    expect((await browser.ask(at('/api'))).status).toBe(200);
    stack().clock.advance(seconds);
    expect((await browser.ask(at('/api'))).status).toBe(401);
    expect((await browser.ask(at('/.auth/me'))).status).toBe(401);
    stack().clock.advance(72 * hours - seconds);
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    expect((await browser.ask(at('/api'))).status).toBe(200);
  });

  it('§4.4 a session older than the grace window gets 401', async () => {
    const { browser } = await signedIn();
    stack().clock.advance(80 * hours);
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(401);
  });

  it('§4.1 ordinary requests do not prolong a session', async () => {
    const { browser } = await signedIn();
    for (let hour = 0; hour < 8; hour += 1) {
      expect((await browser.ask(at('/api'))).setCookies).toEqual([]);
      stack().clock.advance(hours);
    }
    expect((await browser.ask(at('/api'))).status).toBe(401);
  });

  describe('§4.1 §8 with tokenRefreshExtensionHours as a string [D]', () => {
    const short = useStack({ config: { 'login.tokenStore.tokenRefreshExtensionHours': '0.5' } });
    it('§8 the extension is what was configured', async () => {
      const url = short().gateway.url;
      const { browser } = await signedIn(url);
      short().clock.advance(8 * hours + 1790 * seconds);
      expect((await browser.ask(`${url}/.auth/refresh`)).status).toBe(200);
      short().clock.advance(8 * hours + 1801 * seconds);
      expect((await browser.ask(`${url}/.auth/refresh`)).status).toBe(401);
    });
  });
});

describe('§4.3 parallel refreshes of one user [I]', () => {
  it('twenty over two gateways sharing a store make one provider call and lose nothing', async () => {
    const second = await stack().another();
    const { browser, entry } = await signedIn();
    const calls = stack().provider.tokenCalls.length;
    stack().provider.script.tokenDelayMs = 100;
    stack().provider.script.user = { roles: ['New.Role'] };
    const urls = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? stack().gateway.url : second.url,
    );
    const answers = await Promise.all(
      urls.map(async (url) => {
        const own = createBrowser(new Map(browser.jar));
        const answer = await own.ask(`${url}/.auth/refresh`);
        const seen = (await own.ask(`${url}/api`)).json<Seen>();
        const principal = Buffer.from(seen.headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString();
        expect(principal).toContain('New.Role');
        return answer;
      }),
    );
    stack().provider.script.tokenDelayMs = 0;
    stack().provider.script.user = {};
    expect(answers.map((answer) => answer.status)).toEqual(urls.map(() => 200));
    expect(stack().provider.tokenCalls.length).toBe(calls + 1);
    const shown = await browser.ask(`${second.url}/.auth/me`);
    expect(shown.json<Entry[]>()[0]?.refresh_token).toBe((await entry())?.refresh_token);
    stack().clock.advance(2 * seconds);
    expect((await browser.ask(`${second.url}/.auth/refresh`)).status).toBe(200);
  });

  it('a sign-out during a refresh wins: no tokens are left', async () => {
    const { browser } = await signedIn();
    const jar = new Map(browser.jar);
    stack().provider.script.tokenDelayMs = 100;
    const refreshing = createBrowser(new Map(jar)).ask(at('/.auth/refresh'));
    await new Promise((done) => setTimeout(done, 30));
    await createBrowser(new Map(jar)).ask(at('/.auth/logout'));
    stack().provider.script.tokenDelayMs = 0;
    expect((await refreshing).status).toBe(200);
    expect((await createBrowser(jar).ask(at('/.auth/me'))).json()).toEqual([]);
  });
});
