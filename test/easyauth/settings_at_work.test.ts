import { afterEach, describe, expect, it } from 'vitest';
import { readSettings } from '../../easyauth/config/read.js';
import { readMasterKeys } from '../../easyauth/crypto/keys.js';
import { createBrowser } from './support/browser.js';
import { seconds } from './support/clock.js';
import { clientId, tid } from './support/scripted_provider.js';
import { ordinaryConfig, type Stack, type StackOptions, startStack } from './support/stack.js';

const open: Stack[] = [];
afterEach(async () => {
  for (const stack of open.splice(0)) await stack.close();
});

async function having(config: Record<string, unknown>, env: StackOptions['env'] = {}): Promise<Stack> {
  const stack = await startStack({ config, env });
  open.push(stack);
  return stack;
}

const policy = 'identityProviders.azureActiveDirectory.validation.defaultAuthorizationPolicy';

describe('§8 members at work [D]', () => {
  it('§8 httpSettings.routes.apiPrefix moves every route; the old ones are paths of the app', async () => {
    const { gateway, app } = await having({ 'httpSettings.routes.apiPrefix': '/signing' });
    const browser = createBrowser();
    const begun = await browser.ask(`${gateway.url}/signing/login/aad`);
    const to = new URL(String(begun.headers.location)).searchParams.get('redirect_uri');
    expect(to).toBe(`${gateway.url}/signing/login/aad/callback`);
    await browser.signIn(`${gateway.url}/signing/login/aad`);
    expect((await browser.ask(`${gateway.url}/signing/me`)).json<unknown[]>()).toHaveLength(1);
    expect((await browser.ask(`${gateway.url}/signing/refresh`)).status).toBe(200);
    const count = app.seen.length;
    expect((await browser.ask(`${gateway.url}/.auth/me`)).json()).toMatchObject({ url: '/.auth/me' });
    expect(app.seen.length).toBe(count + 1);
  });

  it('§8 login.cookieExpiration.timeToExpiration ends the session', async () => {
    const { gateway, clock } = await having({ 'login.cookieExpiration.timeToExpiration': '00:30:00' });
    const browser = createBrowser();
    await browser.signIn(`${gateway.url}/.auth/login/aad`);
    clock.advance(1_800 * seconds - 1);
    expect((await browser.ask(`${gateway.url}/api`)).status).toBe(200);
    clock.advance(1);
    expect((await browser.ask(`${gateway.url}/api`)).status).toBe(401);
  });

  it('§8 login.nonce.validateNonce false lets an answer in that this browser did not ask for; true does not', async () => {
    for (const [validateNonce, status] of [
      [false, 302],
      [true, 401],
    ] as const) {
      const { gateway } = await having({ 'login.nonce.validateNonce': validateNonce });
      const browser = createBrowser();
      const signIn = browser.signIn(`${gateway.url}/.auth/login/aad`);
      browser.jar.set = () => browser.jar;
      expect((await signIn).status).toBe(status);
    }
  });

  it('§8 forwardProxy Custom trusts the headers it names and no others; NoProxy trusts none', async () => {
    const headers = { 'x-forwarded-host': 'evil.test', 'x-my-host': 'app.example', 'x-my-proto': 'https' };
    const custom = await having({
      'httpSettings.forwardProxy': {
        convention: 'Custom',
        customHostHeaderName: 'X-My-Host',
        customProtoHeaderName: 'X-My-Proto',
      },
    });
    const none = await having({});
    const origins: unknown[] = [];
    for (const { gateway } of [custom, none]) {
      const answer = await createBrowser().ask(`${gateway.url}/.auth/login/aad`, { headers });
      const to = new URL(String(answer.headers.location)).searchParams.get('redirect_uri') ?? '';
      origins.push(new URL(to).origin);
    }
    expect(origins).toEqual(['https://app.example', none.gateway.url]);
  });

  it('§1 platform.runtimeVersion, where it is a full version, is the one told', async () => {
    for (const [runtimeVersion, told] of [
      ['1.6.2', '1.6.2'],
      ['~1', '1.0.0'],
    ] as const) {
      const { gateway } = await having({ 'platform.runtimeVersion': runtimeVersion });
      expect((await createBrowser().ask(`${gateway.url}/.auth/version`)).json()).toEqual({ version: told });
    }
  });

  it('§7.3 §11 an empty list of the policy restricts nothing', async () => {
    const lists = { allowedApplications: [], allowedPrincipals: { identities: [], groups: [] } };
    const { gateway, provider } = await having({ [policy]: lists });
    const token = await provider.sign({ aud: clientId, sub: 's', oid: 'o', tid, azp: 'any', scp: 'x' });
    const answer = await createBrowser().ask(`${gateway.url}/api`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
  });
});

describe('§8.2 settings of the environment at work [D]', () => {
  it('§7.2 WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL demands an object id', async () => {
    const statuses: number[] = [];
    for (const value of ['true', '1', 'false']) {
      const { gateway, provider } = await having(
        {},
        { WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL: value },
      );
      const token = await provider.sign({ aud: clientId, sub: 's', tid, name: 'Somebody' });
      const headers = { authorization: `Bearer ${token}` };
      statuses.push((await createBrowser().ask(`${gateway.url}/api`, { headers })).status);
    }
    expect(statuses).toEqual([401, 401, 200]);
  });

  it('§8.2 every documented setting is known: none draws a warning', () => {
    const documented = {
      WEBSITE_AUTH_DISABLE_IDENTITY_FLOW: 'true',
      WEBSITE_AUTH_HIDE_DEPRECATED_SID: 'true',
      WEBSITE_AUTH_USE_LEGACY_CLAIMS: 'true',
      WEBSITE_AUTH_TRACE_LEVEL: 'Verbose',
      WEBSITE_AUTH_STATE_DIRECTORY: '/x',
      WEBSITE_AUTH_PRESERVE_URL_FRAGMENT: 'true',
      WEBSITE_AUTH_NONCE_DURATION: '00:05:00',
      WEBSITE_AUTH_VALIDATE_NONCE: 'true',
      WEBSITE_AUTH_TOKEN_REFRESH_HOURS: '72',
      WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tid,
      WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES: 'api://x/user_impersonation',
      WEBSITE_AUTH_DEFAULT_PROVIDER: 'AzureActiveDirectory',
      WEBSITE_AUTH_LOGOUT_PATH: '/.auth/logout',
      WEBSITE_AUTH_API_PREFIX: '/.auth',
    };
    const plain = readSettings(ordinaryConfig('https://idp.test/tid/v2.0'), { AAD_SECRET: 'x' });
    const { problems, warnings } = readSettings(ordinaryConfig('https://idp.test/tid/v2.0'), {
      AAD_SECRET: 'x',
      ...documented,
    });
    expect([problems, warnings]).toEqual([[], plain.warnings]);
  });
});

describe('§13 a document of Container Apps [D]', () => {
  it('§13 §6 encryptionSettings name the two key settings', async () => {
    const names = {
      encryptionSettings: {
        containerAppAuthEncryptionSecretName: 'MY_ENCRYPTION',
        containerAppAuthSigningSecretName: 'MY_SIGNING',
      },
    };
    const keys = { MY_ENCRYPTION: '11'.repeat(32), MY_SIGNING: '22'.repeat(32) };
    const [one, two] = [await having(names, keys), await having(names, keys)];
    const browser = createBrowser();
    await browser.signIn(`${one.gateway.url}/.auth/login/aad`);
    expect((await browser.ask(`${two.gateway.url}/api`)).status).toBe(200);
    const { settings } = readSettings({ ...one.config }, { AAD_SECRET: 'x' });
    const half = () =>
      readMasterKeys({
        settings,
        env: { MY_SIGNING: keys.MY_SIGNING },
        stateDir: one.stateDir,
        log: () => {},
      });
    expect(half).toThrow(/MY_ENCRYPTION and MY_SIGNING: set both or none/);
  });

  it('§13 logout/done, its page after signing out, is there', async () => {
    const { gateway } = await having({});
    const answer = await createBrowser().ask(`${gateway.url}/.auth/logout/done`);
    expect([answer.status, answer.text.includes('signed out')]).toEqual([200, true]);
  });
});
