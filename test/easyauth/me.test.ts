import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import { clientId } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

async function signedIn(url = stack().gateway.url) {
  const browser = createBrowser();
  await browser.signIn(`${url}/.auth/login/aad`);
  return browser;
}

describe('§3.1 §3.2 GET /.auth/me [M/O]', () => {
  it('§3.1 is an array of one entry with alphabetical members, those without a value left out', async () => {
    const answer = await (await signedIn()).ask(at('/.auth/me'));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    const [entry] = answer.json<Record<string, unknown>[]>();
    expect(Object.keys(entry ?? {})).toEqual([
      'access_token',
      'expires_on',
      'id_token',
      'provider_name',
      'refresh_token',
      'user_claims',
      'user_id',
    ]);
    expect(entry).toMatchObject({ provider_name: 'aad', user_id: 'alice@contoso.test' });
  });

  it('§3.1 ?provider= gives one object, {} when there is none', async () => {
    const browser = await signedIn();
    const one = (await browser.ask(at('/.auth/me?provider=aad'))).json();
    expect(one.provider_name).toBe('aad');
    expect((await browser.ask(at('/.auth/me?provider=google'))).text).toBe('{}');
  });

  it('§3.2 §11 a valid session without a store entry answers 200 []', async () => {
    const browser = await signedIn();
    await rm(join(stack().stateDir, 'tokens'), { recursive: true });
    const answer = await browser.ask(at('/.auth/me'));
    expect([answer.status, answer.text]).toEqual([200, '[]']);
    expect((await browser.ask(at('/api'))).status).toBe(200);
    const again = await (await signedIn()).ask(at('/.auth/me'));
    expect(again.json<unknown[]>().length).toBe(1);
  });

  it('§3.2 once the provider refuses the refresh token as revoked: 403 (81) until the next sign-in; the session stays', async () => {
    const browser = await signedIn();
    const { script } = stack().provider;
    const refreshAgainst = async (error: string) => {
      script.tokenFault = { status: 400, body: { error } };
      expect((await browser.ask(at('/.auth/refresh'))).status).toBe(403);
      script.tokenFault = undefined;
      return (await browser.ask(at('/.auth/me'))).status;
    };
    expect(await refreshAgainst('interaction_required')).toBe(200);
    expect(await refreshAgainst('invalid_grant')).toBe(403);
    expect(stack().lines.at(-1)).toContain('status=403.81');
    expect((await browser.ask(at('/api'))).status).toBe(200);
    await browser.signIn(at('/.auth/login/aad'));
    expect((await browser.ask(at('/.auth/me'))).json<unknown[]>()).toHaveLength(1);
    expect(await refreshAgainst('invalid_grant')).toBe(403);
    expect((await browser.ask(at('/.auth/refresh'))).status).toBe(200);
    expect((await browser.ask(at('/.auth/me'))).status).toBe(200);
  });

  it('§3.2 unauthenticated under Return401 is a 401 with the challenge', async () => {
    const answer = await createBrowser().ask(at('/.auth/me'));
    expect([answer.status, answer.text]).toEqual([401, '']);
    expect(answer.headers['www-authenticate']).toContain('authorization_uri=');
  });

  it('a bearer caller has no entry: 200 []', async () => {
    const token = await stack().provider.sign({ aud: clientId, sub: 's', oid: 'o', scp: 'x' });
    const answer = await createBrowser().ask(at('/.auth/me'), {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([answer.status, answer.text]).toEqual([200, '[]']);
  });

  it('other methods are a 405', async () => {
    expect((await createBrowser().ask(at('/.auth/me'), { method: 'POST' })).status).toBe(405);
  });
});

const actions = [
  ['Return403', 403],
  ['Return404', 404],
  ['AllowAnonymous', 401],
  ['RedirectToLoginPage', 302],
] as const;
describe.each(actions)('§3.2 GET /.auth/me unauthenticated under %s [O/M]', (action, status) => {
  const other = useStack({
    config: {
      'globalValidation.unauthenticatedClientAction': action,
      'globalValidation.requireAuthentication': action !== 'AllowAnonymous',
    },
  });
  it(`§3.2 answers ${status}`, async () => {
    expect((await createBrowser().ask(`${other().gateway.url}/.auth/me`)).status).toBe(status);
  });
});

describe('§3.2 with the token store off [O]', () => {
  const off = useStack({ config: { 'login.tokenStore.enabled': false } });
  it('§3.2 §4.4 §11 /me and /refresh are 404 even with a session', async () => {
    const url = off().gateway.url;
    const browser = await signedIn(url);
    expect((await browser.ask(`${url}/.auth/me`)).status).toBe(404);
    expect((await browser.ask(`${url}/.auth/refresh`)).status).toBe(404);
    expect(await readdir(off().stateDir)).not.toContain('tokens');
  });
});

describe('§14 hideTokensFromMe, an option of ours [I]', () => {
  const hidden = useStack({ env: { EASYAUTH_COMPAT: 'hideTokensFromMe=true,escapeSlashes=true' } });
  it('§14 §11 leaves the tokens to the app alone', async () => {
    const url = hidden().gateway.url;
    const browser = await signedIn(url);
    const answer = await browser.ask(`${url}/.auth/me`);
    const [entry] = answer.json<Record<string, unknown>[]>();
    expect(Object.keys(entry ?? {})).toEqual(['expires_on', 'provider_name', 'user_claims', 'user_id']);
    expect(answer.text).toContain('http:\\/\\/schemas');
    expect((await browser.ask(`${url}/api`)).text).toContain('x-ms-token-aad-access-token');
  });
});

describe('§1 other routes under the prefix [D]', () => {
  it('§1 /.auth/version tells a version', async () => {
    const answer = await createBrowser().ask(at('/.auth/version'));
    expect(answer.json().version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('§14 an unknown path under the prefix is a 404 and never reaches the app', async () => {
    const browser = await signedIn();
    const count = stack().app.seen.length;
    for (const path of ['/.auth', '/.auth/', '/.auth/x', '/.AUTH/x', '/.auth/login', '/.auth/login/aad/x'])
      expect((await browser.ask(at(path))).status).toBe(404);
    expect(stack().app.seen.length).toBe(count);
  });
});
