import { describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId, tid } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const down = 'http://localhost:9';
const stack = useStack({
  env: { OTHER_SECRET: 'other-canary', EASYAUTH_TWITTER_BASE_URL: down, EASYAUTH_GOOGLE_BASE_URL: down },
  config: {
    'identityProviders.google.registration': {
      clientId: 'g',
      clientSecretSettingName: 'OTHER_SECRET',
    },
    'identityProviders.twitter.registration': {
      consumerKey: 't',
      consumerSecretSettingName: 'OTHER_SECRET',
    },
    'identityProviders.customOpenIdConnectProviders': {
      partner: {
        registration: {
          clientId: 'partner-client',
          clientCredential: { clientSecretSettingName: 'OTHER_SECRET' },
          openIdConnectConfiguration: {
            wellKnownOpenIdConfiguration: `${down}/.well-known/openid-configuration`,
          },
        },
      },
    },
  },
});
const at = (path: string) => `${stack().gateway.url}${path}`;
const withBearer = async (claims: Record<string, unknown>) => {
  const token = await stack().provider.sign({ sub: 'alice', tid, oid: aliceOid, ...claims });
  return createBrowser().ask(at('/api'), { headers: { authorization: `Bearer ${token}` } });
};

describe('§7.2 bearer tokens with several providers [I]', () => {
  it('each token is judged by the provider it is for, though another one is down', async () => {
    const seen = (await withBearer({ aud: clientId })).json<Seen>();
    expect(seen.headers['x-ms-client-principal-idp']).toEqual(['aad']);
  });

  it('a token for none of them is a 401, without asking the one that is down', async () => {
    expect((await withBearer({ aud: 'nobody' })).status).toBe(401);
    expect(stack().lines.some((line) => line.includes('discovery cannot be loaded'))).toBe(false);
  });

  it('a token that only the one that is down could judge is a 503', async () => {
    const answer = await withBearer({ aud: 'partner-client', iss: down });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
  });
});

describe('§5.1 one provider down, the others work [I]', () => {
  it.each(['google', 'twitter', 'partner'])('signing in at %s answers 502', async (name) => {
    expect((await createBrowser().ask(at(`/.auth/login/${name}`))).status).toBe(502);
  });

  it('signing in at Entra works meanwhile', async () => {
    const browser = createBrowser();
    expect((await browser.signIn(at('/.auth/login/aad'))).status).toBe(302);
    expect((await browser.ask(at('/api'))).status).toBe(200);
  });
});

describe('§3.1 one session at a time [O]', () => {
  it('/.auth/me?provider= of a provider the user did not use is {}', async () => {
    const browser = createBrowser();
    await browser.signIn(at('/.auth/login/aad'));
    expect((await browser.ask(at('/.auth/me?provider=google'))).json()).toEqual({});
  });
});
