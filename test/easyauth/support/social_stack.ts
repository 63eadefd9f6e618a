import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { request } from 'undici';
import { freePort } from '../../../easyauth/free_port.js';
import { type Gateway, startGateway } from '../../../easyauth/gateway.js';
import { formatLine, type Log } from '../../../easyauth/log.js';
import type { DirectoryFile } from '../../../local/identity_provider/directory/types.js';
import { type IdentityProvider, startIdentityProvider } from '../../../local/identity_provider/server.js';
import type { Answer, Browser } from './browser.js';
import { type EchoApp, startEchoApp } from './echo_app.js';
import { aliceOid, tid } from './scripted_provider.js';

export const social = ['google', 'facebook', 'twitter', 'github', 'apple'] as const;
export type Social = (typeof social)[number];

const secret = 'S3cret~social-canary';
const graph = 'https://graph.microsoft.test';
export const clientIds: Readonly<Record<Social, string>> = {
  google: 'g.apps.test',
  facebook: '1001',
  twitter: 'tw-key',
  github: 'Ov23',
  apple: 'test.contoso.web',
};
const appleKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Alice, and an app at every personality that returns to these gateways. */
function directoryOf(ports: readonly number[]): DirectoryFile {
  return {
    default_resource: graph,
    tenants: [{ tid, domain: 'contoso.test', name: 'Contoso' }],
    users: [
      { name: 'Alice Adams', upn: 'alice@contoso.test', email: 'alice@contoso.test', oid: aliceOid, tid },
      {
        name: 'Bob Brown',
        upn: 'bob@contoso.test',
        email: 'bob@contoso.test',
        oid: 'aaaaaaaa-0000-4000-8000-000000000002',
        tid,
      },
    ],
    apps: [
      {
        app_id: '00000003-0000-4000-8000-000000000000',
        name: 'Graph',
        tid,
        secrets: [],
        redirect_uris: [],
        app_id_uri: graph,
        scopes: ['User.Read'],
      },
    ],
    social: {
      apps: social.map((personality) => ({
        personality,
        client_id: clientIds[personality],
        redirect_uris: ports.map((port) => `http://localhost:${port}/.auth/login/${personality}/callback`),
        ...(personality === 'apple'
          ? {
              team_id: 'TEAM123456',
              key_id: 'KEY1234567',
              public_key: appleKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
            }
          : { secret }),
      })),
    },
  };
}

function appleSecret(issuer: string): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'KEY1234567' })
    .setIssuer('TEAM123456')
    .setSubject(clientIds.apple)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(appleKeys.privateKey);
}

/** Every social provider configured at once. */
export const socialProviders = {
  google: { registration: { clientId: clientIds.google, clientSecretSettingName: 'SOCIAL_SECRET' } },
  facebook: { registration: { appId: clientIds.facebook, appSecretSettingName: 'SOCIAL_SECRET' } },
  twitter: { registration: { consumerKey: clientIds.twitter, consumerSecretSettingName: 'SOCIAL_SECRET' } },
  gitHub: { registration: { clientId: clientIds.github, clientSecretSettingName: 'SOCIAL_SECRET' } },
  apple: { registration: { clientId: clientIds.apple, clientSecretSettingName: 'APPLE_SECRET' } },
};

export interface SocialStack {
  readonly gateway: Gateway;
  /** The same without a token store. */
  readonly storeless: Gateway;
  readonly idp: IdentityProvider;
  readonly app: EchoApp;
  readonly lines: string[];
  close(): Promise<void>;
}

/** The embedded provider with all personalities, behind two gateways: one with a token store, one without. */
export async function startSocialStack(compat = ''): Promise<SocialStack> {
  const stateDir = await mkdtemp(join(tmpdir(), 'easyauth-social-'));
  const ports = [await freePort(), await freePort()];
  const app = await startEchoApp();
  const idp = await startIdentityProvider({
    directory: directoryOf(ports),
    stateDir: join(stateDir, 'idp'),
    port: 0,
    log: () => {},
  });
  const bases = social.map((name) => [`EASYAUTH_${name.toUpperCase()}_BASE_URL`, `${idp.url}/${name}`]);
  const env = {
    SOCIAL_SECRET: secret,
    APPLE_SECRET: await appleSecret(`${idp.url}/apple`),
    EASYAUTH_COMPAT: compat,
    ...Object.fromEntries(bases),
  };
  const lines: string[] = [];
  const log: Log = (level, message, fields) => lines.push(formatLine(Date.now(), level, message, fields));
  const start = (port: number, enabled: boolean) =>
    startGateway({
      config: {
        globalValidation: {
          unauthenticatedClientAction: 'RedirectToLoginPage',
          redirectToProvider: 'GitHub',
        },
        httpSettings: { requireHttps: false },
        login: { tokenStore: { enabled } },
        identityProviders: socialProviders,
      },
      upstream: app.url,
      port,
      stateDir: join(stateDir, `gateway${enabled}`),
      env,
      log,
    });
  const [gateway, storeless] = await Promise.all([start(ports[0] ?? 0, true), start(ports[1] ?? 0, false)]);
  return {
    gateway,
    storeless,
    idp,
    app,
    lines,
    close: async () => {
      await app.close();
      await Promise.all([gateway.close(), storeless.close(), idp.close()]);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Presses Alice's button at the provider: follows an authorize address to what the browser is sent back with. */
export async function atProvider(address: string, user = 'alice'): Promise<{ url: string; form?: string }> {
  const url = new URL(address);
  url.searchParams.set('login_hint', `${user}@contoso.test`);
  url.searchParams.set('login', user);
  url.searchParams.set('screen_name', user);
  const answer = await request(url, { headers: { 'user-agent': 'Mozilla/5.0' } });
  const text = await answer.body.text();
  if (answer.statusCode === 302 || answer.statusCode === 303) return { url: String(answer.headers.location) };
  const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
  if (action === undefined)
    throw new Error(`the provider answers ${answer.statusCode}: ${text.slice(0, 300)}`);
  const form = new URLSearchParams();
  const entities: Record<string, string> = { '&quot;': '"', '&amp;': '&', '&#39;': "'", '&#x27;': "'" };
  const plain = (value: string) =>
    value
      .replace(/&(?:quot|amp|#39|#x27);/g, (entity) => entities[entity] ?? entity)
      .replace(/&#x([0-9A-Fa-f]+);/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  for (const [, name = '', value = ''] of text.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g))
    form.set(name, plain(value));
  return { url: plain(action), form: form.toString() };
}

/** Brings the provider's answer back to the gateway. */
export function comeBack(browser: Browser, back: { url: string; form?: string }): Promise<Answer> {
  if (back.form === undefined) return browser.ask(back.url);
  return browser.ask(back.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://idp.test' },
    body: back.form,
  });
}

/** A whole sign-in, from a login address of the gateway to the answer of its callback. */
export async function signInAt(browser: Browser, loginUrl: string, user = 'alice'): Promise<Answer> {
  const start = await browser.ask(loginUrl);
  return comeBack(browser, await atProvider(String(start.headers.location), user));
}
