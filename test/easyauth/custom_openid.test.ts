import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../easyauth/free_port.js';
import { type Gateway, startGateway } from '../../easyauth/gateway.js';
import { createBrowser } from './support/browser.js';
import {
  type CertifiedProvider,
  customClient,
  customSecret,
  passCertifiedPages,
  startCertifiedProvider,
} from './support/certified_provider.js';
import { createClock } from './support/clock.js';
import { type EchoApp, type Seen, startEchoApp } from './support/echo_app.js';
import { type ScriptedProvider, startScriptedProvider } from './support/scripted_provider.js';

const env = { CUSTOM_SECRET: customSecret };
let app: EchoApp;
let directory: string;
beforeAll(async () => {
  [app, directory] = await Promise.all([startEchoApp(), mkdtemp(join(tmpdir(), 'easyauth-custom-'))]);
});
afterAll(async () => {
  await app.close();
  await rm(directory, { recursive: true, force: true });
});

type Json = Record<string, unknown>;

const provider = (configuration: Json, login: Json = {}) => ({
  registration: {
    clientId: customClient,
    clientCredential: { method: 'ClientSecretPost', clientSecretSettingName: 'CUSTOM_SECRET' },
    openIdConnectConfiguration: configuration,
  },
  login,
});

interface Start {
  readonly name: string;
  readonly port: number;
  readonly providers: Json;
  readonly map?: string;
  readonly now?: () => number;
}

function start({
  name,
  port,
  providers,
  map = 'customOpenIdConnectProviders',
  now,
}: Start): Promise<Gateway> {
  return startGateway({
    config: {
      globalValidation: { unauthenticatedClientAction: 'Return401' },
      httpSettings: { requireHttps: false },
      login: { tokenStore: { enabled: true } },
      identityProviders: { [map]: providers },
    },
    upstream: app.url,
    port,
    stateDir: join(directory, name),
    env,
    log: () => {},
    ...(now === undefined ? {} : { now }),
  });
}

interface Principal {
  auth_typ: string;
  name_typ: string;
  claims: { typ: string; val: string }[];
}
const principalIn = (headers: Seen['headers']) =>
  JSON.parse(Buffer.from(headers['x-ms-client-principal']?.[0] ?? '', 'base64').toString()) as Principal;

describe('§5.1 custom OpenID Connect against oidc-provider, unmodified [O]', () => {
  let certified: CertifiedProvider;
  let gateway: Gateway;
  beforeAll(async () => {
    const port = await freePort();
    certified = await startCertifiedProvider(`http://localhost:${port}/.auth/login/my_idp/callback`);
    const wellKnown = `${certified.issuer}/.well-known/openid-configuration`;
    const login = {
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      loginParameterNames: ['prompt=consent'],
      nameClaimType: 'nickname',
    };
    const own = provider({ wellKnownOpenIdConfiguration: wellKnown, issuer: 'https://ignored.test' }, login);
    gateway = await start({ name: 'certified', port, providers: { my_idp: own } });
  });
  afterAll(async () => {
    await gateway.close();
    await certified.close();
  });

  const signedIn = async (login: string) => {
    const browser = createBrowser();
    const begun = await browser.ask(`${gateway.url}/.auth/login/my_idp?post_login_redirect_uri=/api`);
    const back = await passCertifiedPages(createBrowser(), String(begun.headers.location), login);
    const done = await browser.ask(back);
    return { browser, begun, done };
  };
  const seenBy = async (browser: ReturnType<typeof createBrowser>) =>
    (await browser.ask(`${gateway.url}/api`)).json<Seen>().headers;

  it('a user signs in by code, with nonce and state, no PKCE, no response_mode, the secret in the form', async () => {
    const { begun, done } = await signedIn('carol');
    const asked = Object.fromEntries(new URL(String(begun.headers.location)).searchParams);
    expect(asked).toMatchObject({ response_type: 'code', client_id: customClient, prompt: 'consent' });
    expect(asked.nonce).toMatch(/^[0-9a-f]{32}_\d{14}$/);
    for (const name of ['code_challenge', 'response_mode']) expect(asked).not.toHaveProperty(name);
    expect(done.headers.location).toBe(`${gateway.url}/api`);
    const sent = certified.tokenCalls.at(-1);
    expect([sent?.get('client_id'), sent?.get('client_secret')]).toEqual([customClient, customSecret]);
  });

  it('§2.2 the app sees the configured name as provider and the configured claim as name', async () => {
    const headers = await seenBy((await signedIn('dora')).browser);
    const principal = principalIn(headers);
    expect(headers['x-ms-client-principal-idp']).toEqual(['my_idp']);
    expect(headers['x-ms-client-principal-id']).toEqual(['dora']);
    expect(headers['x-ms-client-principal-name']).toEqual(['dora']);
    expect(principal).toMatchObject({ auth_typ: 'my_idp', name_typ: 'nickname' });
    const groups = principal.claims.filter(({ typ }) => typ === 'groups').map(({ val }) => val);
    expect(groups).toEqual(['staff', 'night']);
  });

  it('§2.4 all four tokens under X-MS-TOKEN-MY_IDP-*', async () => {
    const headers = await seenBy((await signedIn('eve')).browser);
    const names = Object.keys(headers).filter((name) => name.startsWith('x-ms-token-'));
    const kinds = ['access-token', 'expires-on', 'id-token', 'refresh-token'];
    expect(names.sort()).toEqual(kinds.map((kind) => `x-ms-token-my_idp-${kind}`));
  });

  it('§4.5 refresh brings a new access token when a refresh token is stored', async () => {
    const { browser } = await signedIn('frank');
    const token = async () => (await seenBy(browser))['x-ms-token-my_idp-access-token']?.[0];
    const before = await token();
    expect((await browser.ask(`${gateway.url}/.auth/refresh`)).status).toBe(200);
    expect(await token()).not.toBe(before);
  });

  it('§7.2 its ID token is a bearer token here: the audience is the client id', async () => {
    const { browser } = await signedIn('gina');
    const idToken = (await seenBy(browser))['x-ms-token-my_idp-id-token']?.[0];
    const headers = { authorization: `Bearer ${idToken}` };
    const seen = (await createBrowser().ask(`${gateway.url}/api`, { headers })).json<Seen>();
    expect(seen.headers['x-ms-client-principal-id']).toEqual(['gina']);
    expect(seen.headers['x-ms-token-my_idp-id-token']).toBeUndefined();
  });

  it('a user who cancels gets a 401 that repeats the code only', async () => {
    const browser = createBrowser();
    const begun = await browser.ask(`${gateway.url}/.auth/login/my_idp`);
    const state = new URL(String(begun.headers.location)).searchParams.get('state') ?? '';
    const query = new URLSearchParams({ error: 'access_denied', state, iss: certified.issuer });
    const done = await browser.ask(`${gateway.url}/.auth/login/my_idp/callback?${query}`);
    expect([done.status, done.text]).toEqual([401, 'The sign-in failed: access_denied.\n']);
  });

  it('an answer that names another issuer is refused (RFC 9207)', async () => {
    const browser = createBrowser();
    const begun = await browser.ask(`${gateway.url}/.auth/login/my_idp`);
    const back = new URL(await passCertifiedPages(createBrowser(), String(begun.headers.location), 'hugo'));
    back.searchParams.set('iss', 'https://evil.test');
    expect((await browser.ask(back.href)).status).toBe(401);
  });
});

describe('§8 endpoints instead of a discovery document, and openIdConnectProviders [D]', () => {
  const clock = createClock();
  let scripted: ScriptedProvider;
  let gateway: Gateway;
  beforeAll(async () => {
    scripted = await startScriptedProvider(clock);
    const origin = scripted.issuer.replace('/v2.0', '');
    const endpoints = {
      issuer: scripted.issuer,
      authorizationEndpoint: `${origin}/oauth2/v2.0/authorize`,
      tokenEndpoint: `${origin}/oauth2/v2.0/token`,
      certificationUri: `${origin}/discovery/v2.0/keys`,
    };
    const providers = { Plain: provider(endpoints) };
    gateway = await start({
      name: 'plain',
      port: 0,
      providers,
      map: 'openIdConnectProviders',
      now: clock.now,
    });
  });
  afterAll(async () => {
    await gateway.close();
    await scripted.close();
  });

  const bearer = async (claims: Json, header: Json = {}) => {
    const token = await scripted.sign({ sub: 'ida', aud: customClient, name: 'Ida', ...claims }, header);
    return createBrowser().ask(`${gateway.url}/api`, { headers: { authorization: `Bearer ${token}` } });
  };

  it('the authorize request goes to the configured endpoint, with the default scopes', async () => {
    const answer = await createBrowser().ask(`${gateway.url}/.auth/login/plain`);
    const url = new URL(String(answer.headers.location));
    expect(url.origin).toBe(scripted.url);
    expect(url.searchParams.get('scope')).toBe('openid profile email');
    expect(url.searchParams.get('redirect_uri')).toBe(`${gateway.url}/.auth/login/Plain/callback`);
    expect(scripted.counts.metadata).toBe(0);
  });

  it('§2.2 without nameClaimType the name type is the general one', async () => {
    const { headers } = (await bearer({})).json<Seen>();
    expect(principalIn(headers).name_typ).toBe('http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name');
    expect(headers['x-ms-client-principal-name']).toEqual(['Ida']);
  });

  const wrong: [string, Json][] = [
    ['for another audience', { aud: 'api://other' }],
    ['of another issuer', { iss: 'https://evil.test' }],
    ['that has ended', { exp: 1_000 }],
    ['without a subject', { sub: '' }],
    ['for two audiences, issued to another party', { aud: [customClient, 'other'], azp: 'other' }],
  ];
  it.each(wrong)('§7.2 a bearer token %s is a 401 with a challenge', async (_name, claims) => {
    const answer = await bearer(claims);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(`Bearer realm="localhost:${gateway.port}"`);
  });

  it('client-directed sign-in is not documented for it: 405', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await createBrowser().ask(`${gateway.url}/.auth/login/plain`, {
      method: 'POST',
      headers,
      body: '{}',
    });
    expect(answer.status).toBe(405);
  });
});
