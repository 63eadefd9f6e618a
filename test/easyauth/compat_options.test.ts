import { decodeJwt } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { compatOptions } from '../../easyauth/config/compat.js';
import { createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import { clientId, tid } from './support/scripted_provider.js';
import { signInAt, startSocialStack } from './support/social_stack.js';
import { type Stack, type StackOptions, startStack } from './support/stack.js';

const open: Stack[] = [];
afterEach(async () => {
  for (const stack of open.splice(0)) await stack.close();
});

const anonymous = { 'globalValidation.requireAuthentication': false };

/** A stack with one option set, and shorthand to ask it. */
async function having(option: string, more: StackOptions = {}) {
  const env = { ...more.env, ...(option === '' ? {} : { EASYAUTH_COMPAT: option }) };
  const stack = await startStack({ ...more, env });
  open.push(stack);
  const { url } = stack.gateway;
  const browser = createBrowser();
  return {
    stack,
    url,
    browser,
    ask: (path: string, options?: Parameters<typeof browser.ask>[1]) => browser.ask(`${url}${path}`, options),
    signIn: () => browser.signIn(`${url}/.auth/login/aad`),
  };
}

describe('§14 every open point is a named option [U]', () => {
  it('each has a default among its values and says what it decides', () => {
    for (const { default: usual, values, says } of Object.values(compatOptions)) {
      expect(values.some((value) => value === usual)).toBe(true);
      expect(says.length).toBeGreaterThan(20);
    }
  });

  it('anonymousMe: 401 by default under AllowAnonymous, or []', async () => {
    const usual = await having('', { config: anonymous });
    const answer = await usual.ask('/.auth/me');
    expect([answer.status, answer.text]).toEqual([401, '']);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm=/);
    const other = await having('anonymousMe=empty-array', { config: anonymous });
    expect((await other.ask('/.auth/me')).json()).toEqual([]);
  });

  it('tokenStoreOff: 404 by default, or 403', async () => {
    const config = { 'login.tokenStore.enabled': false };
    for (const [option, status] of [
      ['', 404],
      ['tokenStoreOff=403', 403],
    ] as const) {
      const { ask, signIn } = await having(option, { config });
      await signIn();
      for (const path of ['/.auth/me', '/.auth/refresh']) expect((await ask(path)).status).toBe(status);
    }
  });

  it('emptyStoreMe: a session without an entry gets [] by default, or 401', async () => {
    for (const [option, status] of [
      ['', 200],
      ['emptyStoreMe=401', 401],
    ] as const) {
      const { ask, signIn, url, browser } = await having(option);
      await signIn();
      const other = createBrowser(new Map(browser.jar));
      await other.ask(`${url}/.auth/logout`);
      expect((await ask('/.auth/me')).status).toBe(status);
      expect((await ask('/.auth/refresh')).status).toBe(403);
    }
  });

  it('revokedMe: 403 by default once a refresh token was refused as revoked, or what is stored', async () => {
    for (const [option, status] of [
      ['', 403],
      ['revokedMe=200', 200],
    ] as const) {
      const { ask, signIn, stack } = await having(option);
      await signIn();
      stack.provider.script.tokenFault = { status: 400, body: { error: 'invalid_grant' } };
      expect((await ask('/.auth/refresh')).status).toBe(403);
      expect((await ask('/.auth/me')).status).toBe(status);
    }
  });

  it('bearerRefresh: 401 by default, or 403', async () => {
    for (const [option, status] of [
      ['', 401],
      ['bearerRefresh=403', 403],
    ] as const) {
      const { ask, stack } = await having(option);
      const token = await stack.provider.sign({ aud: clientId, sub: 's', oid: 'o', tid });
      const headers = { authorization: `Bearer ${token}` };
      expect((await ask('/.auth/refresh', { headers })).status).toBe(status);
    }
  });

  it('cookieRefreshBody: empty by default, or the JSON of a token caller', async () => {
    const { ask, signIn } = await having('cookieRefreshBody=json');
    await signIn();
    const answer = await ask('/.auth/refresh');
    expect(Object.keys(answer.json())).toEqual(['authenticationToken', 'user']);
    expect(answer.setCookies.length).toBe(1);
  });

  it('refreshByPost: accepted by default, or 405', async () => {
    const { ask, signIn, url } = await having('refreshByPost=false');
    await signIn();
    const answer = await ask('/.auth/refresh', { method: 'POST', headers: { origin: url } });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('missingRefreshToken and strictAzureOverwrite: a sign-in without refresh token loses the old one', async () => {
    const { ask, signIn, stack } = await having('strictAzureOverwrite=true,missingRefreshToken=400');
    await signIn();
    expect((await ask('/.auth/refresh')).status).toBe(200);
    stack.provider.script.refreshTokens = false;
    await signIn();
    expect((await ask('/.auth/refresh')).status).toBe(400);
  });

  it('expiresOnForm: the round-trip form by default, or seconds since 1970, in header and /.auth/me alike', async () => {
    const { ask, signIn, stack } = await having('expiresOnForm=epoch-seconds');
    await signIn();
    const seconds = String(Math.floor((stack.clock.now() + 3_600_000) / 1000));
    expect((await ask('/api')).json<Seen>().headers['x-ms-token-aad-expires-on']).toEqual([seconds]);
    expect((await ask('/.auth/me')).json<{ expires_on: string }[]>()[0]?.expires_on).toBe(seconds);
    const usual = await having('');
    await usual.signIn();
    const entries = (await usual.ask('/.auth/me')).json<{ expires_on: string }[]>();
    expect(entries[0]?.expires_on).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
  });

  const sids: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['sid=profile', {}, false],
    ['', { WEBSITE_AUTH_HIDE_DEPRECATED_SID: 'false' }, false],
    ['sid=profile', { WEBSITE_AUTH_HIDE_DEPRECATED_SID: 'true' }, true],
  ];
  it.each(sids)(
    'sid: with "%s" and %j, whether a new name leaves the user id as it was is %s',
    async (option, env, stays) => {
      const { stack, browser, url } = await having(option, { env });
      const ids: string[] = [];
      const stable: unknown[] = [];
      for (const email of ['alice@contoso.test', 'alice.archer@contoso.test']) {
        stack.provider.script.user = { email };
        const done = await browser.signIn(`${url}/.auth/login/aad?session_mode=token`);
        const json = decodeURIComponent(new URL(String(done.headers.location)).hash.slice('#token='.length));
        const { authenticationToken, user } = JSON.parse(json) as {
          authenticationToken: string;
          user: { userId: string };
        };
        const claims = decodeJwt(authenticationToken);
        expect(claims.sub).toBe(user.userId);
        ids.push(user.userId);
        stable.push(claims.stable_sid);
        const answer = await createBrowser().ask(`${url}/api`, {
          headers: { 'x-zumo-auth': authenticationToken },
        });
        expect(answer.status).toBe(200);
      }
      expect(ids[0] === ids[1]).toBe(stays);
      expect(stable[0]).toBe(stable[1]);
      expect(stable[0] === undefined).toBe(stays);
    },
  );

  it('badRedirect: 400 by default, or the default page', async () => {
    const path = '/.auth/login/aad?post_login_redirect_uri=https://evil.test/';
    expect((await (await having('')).ask(path)).status).toBe(400);
    const { ask, url, signIn } = await having('badRedirect=ignore');
    const state = new URL(String((await ask(path)).headers.location)).searchParams.get('state');
    expect(state).toBe(`redir=${encodeURIComponent('/.auth/login/done')}`);
    await signIn();
    const out = await ask('/.auth/logout?post_logout_redirect_uri=https://evil.test/');
    expect(String(out.headers.location)).not.toContain('evil.test');
    expect(url).toMatch(/^http/);
  });

  it('unknownRoutes: 404 by default, or judged and passed on like any other path', async () => {
    expect((await (await having('')).ask('/.auth/nothing')).status).toBe(404);
    const { ask, signIn } = await having('unknownRoutes=forward');
    expect((await ask('/.auth/nothing')).status).toBe(401);
    await signIn();
    expect((await ask('/.auth/nothing')).json<Seen>().url).toBe('/.auth/nothing');
  });

  it('httpOnLoopback: https is demanded by default, or not of loopback hosts', async () => {
    const config = { 'httpSettings.requireHttps': true };
    expect((await (await having('', { config })).ask('/api')).status).toBe(307);
    const { ask, signIn } = await having('httpOnLoopback=true', { config });
    await signIn();
    expect((await ask('/api')).status).toBe(200);
    expect((await ask('/api', { headers: { host: 'app.example' } })).status).toBe(307);
  });

  it('standardProxy: X-Forwarded-Proto is trusted by default, or only the host', async () => {
    const config = {
      'httpSettings.requireHttps': true,
      'httpSettings.forwardProxy.convention': 'Standard',
    };
    const headers = { 'x-forwarded-host': 'front.example', 'x-forwarded-proto': 'https' };
    expect((await (await having('', { config })).ask('/health', { headers })).status).toBe(200);
    const { ask } = await having('standardProxy=host-only', { config });
    expect((await ask('/health', { headers })).headers.location).toBe('https://front.example/health');
  });

  it('multiValuedClaims: one element a value by default, or joined', async () => {
    const { ask, signIn, stack } = await having('multiValuedClaims=join');
    stack.provider.script.user = { roles: ['a', 'b'] };
    await signIn();
    const seen = (await ask('/api')).json<Seen>();
    const principal = Buffer.from(seen.headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString();
    expect(principal).toContain('{"typ":"roles","val":"a,b"}');
  });

  it('sessionTokenLife: the access token’s by default, or always 30 days', async () => {
    const { stack, url, browser } = await having('sessionTokenLife=30-days');
    const done = await browser.signIn(`${url}/.auth/login/aad?session_mode=token`);
    const json = decodeURIComponent(new URL(String(done.headers.location)).hash.slice('#token='.length));
    const { authenticationToken } = JSON.parse(json) as { authenticationToken: string };
    stack.clock.advance(29 * 86_400_000);
    const headers = { 'x-zumo-auth': authenticationToken };
    expect((await createBrowser().ask(`${url}/api`, { headers })).status).toBe(200);
  });

  it('xProviderName and unsupportedRefresh: X reported as x, headers still TWITTER, refresh refused with 403', async () => {
    const social = await startSocialStack('xProviderName=x,unsupportedRefresh=403');
    try {
      const browser = createBrowser();
      await signInAt(browser, `${social.gateway.url}/.auth/login/x`);
      const { headers } = (await browser.ask(`${social.gateway.url}/api`)).json<Seen>();
      expect(headers['x-ms-client-principal-idp']).toEqual(['x']);
      const principal = Buffer.from(headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString();
      expect(principal).toContain('"auth_typ":"x"');
      expect(headers).toHaveProperty('x-ms-token-twitter-access-token');
      for (const name of ['x', 'twitter'])
        expect((await browser.ask(`${social.gateway.url}/.auth/me?provider=${name}`)).json()).toMatchObject({
          provider_name: 'x',
        });
      expect((await browser.ask(`${social.gateway.url}/.auth/refresh`)).status).toBe(403);
    } finally {
      await social.close();
    }
  });
});

describe('§7.5 the 401 body [O]', () => {
  it('empty as on Linux by default, or the 58 bytes of IIS', async () => {
    expect((await (await having('')).ask('/api')).text).toBe('');
    const answer = await (await having('unauthorizedBody=windows')).ask('/api');
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toBe('text/html');
    expect(answer.headers['content-length']).toBe('58');
  });
});

describe('§7.7 protected-resource metadata [D/O]', () => {
  const env = { WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES: 'api://x/user_impersonation, api://x/read' };

  it('is published without authentication, for the site and for a path of it', async () => {
    const { ask, url, stack } = await having('', { env });
    const at = '/.well-known/oauth-protected-resource';
    expect((await ask(at)).json()).toEqual({
      resource: url,
      authorization_servers: [stack.provider.issuer],
      scopes_supported: ['api://x/user_impersonation', 'api://x/read'],
    });
    expect((await ask(`${at}/mcp`)).json()).toMatchObject({ resource: `${url}/mcp` });
    expect((await ask(at, { method: 'POST' })).status).toBe(405);
  });

  it('the challenge names the metadata and the scopes', async () => {
    const { ask, url } = await having('', { env });
    expect(String((await ask('/api')).headers['www-authenticate'])).toMatch(
      new RegExp(
        ` resource_metadata="${url}/.well-known/oauth-protected-resource" scope="api://x/user_impersonation api://x/read"$`,
      ),
    );
  });

  it('without the setting the path belongs to the app', async () => {
    const { ask } = await having('', { config: anonymous });
    const path = '/.well-known/oauth-protected-resource';
    expect((await ask(path)).json<Seen>().url).toBe(path);
  });
});
