import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../easyauth/free_port.js';
import { type Gateway, startGateway } from '../../../easyauth/gateway.js';
import { type Browser, createBrowser } from '../../easyauth/support/browser.js';
import {
  type CertifiedProvider,
  customClient,
  customSecret,
  passCertifiedPages,
  startCertifiedProvider,
} from '../../easyauth/support/certified_provider.js';
import { type Seen, startEchoApp } from '../../easyauth/support/echo_app.js';

type Headers = Readonly<Record<string, string>>;

/** The gateway in front of an app, with sign-in at a certified OpenID provider whose refresh tokens count once. */
export interface StrictSite {
  readonly gateway: Gateway;
  readonly provider: CertifiedProvider;
  /** Signs a user in, and tells the headers that reach the app with the session's cookie. */
  signIn(login: string): Promise<{ browser: Browser; headers: Headers }>;
  /** The same with a session token in place of the cookie. */
  signInForToken(login: string): Promise<Headers>;
  close(): Promise<void>;
}

export const STRICT = 'strict';

export async function startStrictSite(): Promise<StrictSite> {
  const [port, app, stateDir] = await Promise.all([
    freePort(),
    startEchoApp(),
    mkdtemp(join(tmpdir(), 'strict-site-')),
  ]);
  // Each refresh token counts once, and one shown again ends the whole line.
  const provider = await startCertifiedProvider(`http://localhost:${port}/.auth/login/${STRICT}/callback`, {
    rotateRefreshToken: true,
  });
  const gateway = await startGateway({
    config: configOf(provider.issuer),
    upstream: app.url,
    port,
    stateDir,
    env: { CUSTOM_SECRET: customSecret },
    log: () => {},
  });
  const arrive = async (browser: Browser, login: string, query: string): Promise<string> => {
    const start = await browser.ask(`${gateway.url}/.auth/login/${STRICT}${query}`);
    const back = await passCertifiedPages(createBrowser(), String(start.headers.location), login);
    return String((await browser.ask(back)).headers.location);
  };
  return {
    gateway,
    provider,
    async signIn(login) {
      const browser = createBrowser();
      await arrive(browser, login, '');
      return { browser, headers: headersOf(await (await browser.ask(`${gateway.url}/api`)).json<Seen>()) };
    },
    async signInForToken(login) {
      const done = await arrive(createBrowser(), login, '?session_mode=token');
      const told: { authenticationToken: string } = JSON.parse(
        decodeURIComponent(new URL(done).hash.replace('#token=', '')),
      );
      const asked = { headers: { 'x-zumo-auth': told.authenticationToken } };
      return headersOf((await createBrowser().ask(`${gateway.url}/api`, asked)).json<Seen>());
    },
    async close() {
      await gateway.close();
      await Promise.all([app.close(), provider.close()]);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

function configOf(issuer: string): Record<string, unknown> {
  return {
    globalValidation: { unauthenticatedClientAction: 'Return401' },
    httpSettings: { requireHttps: false },
    login: { tokenStore: { enabled: true } },
    identityProviders: {
      customOpenIdConnectProviders: {
        [STRICT]: {
          registration: {
            clientId: customClient,
            clientCredential: { method: 'ClientSecretPost', clientSecretSettingName: 'CUSTOM_SECRET' },
            openIdConnectConfiguration: {
              wellKnownOpenIdConfiguration: `${issuer}/.well-known/openid-configuration`,
            },
          },
          login: {
            scopes: ['openid', 'profile', 'email', 'offline_access'],
            loginParameterNames: ['prompt=consent'],
          },
        },
      },
    },
  };
}

function headersOf({ headers }: Seen): Headers {
  const passed = Object.entries(headers).filter(([name]) => /^(x-ms-|x-zumo-auth|cookie$)/.test(name));
  return Object.fromEntries(passed.map(([name, values]) => [name, values.join(', ')]));
}
