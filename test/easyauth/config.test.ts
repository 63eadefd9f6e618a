import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeSettings } from '../../easyauth/config/describe.js';
import { readSettings } from '../../easyauth/config/read.js';
import { loadDocument } from '../../easyauth/config/source.js';
import { ConfigError } from '../../easyauth/errors.js';
import { clientId } from './support/scripted_provider.js';
import { ordinaryConfig } from './support/stack.js';

const issuer = 'https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111/v2.0';
const env = { AAD_SECRET: 'canary-secret' };
const aad = 'identityProviders.azureActiveDirectory';

const read = (changes: Record<string, unknown> = {}, more: Record<string, string> = {}) =>
  readSettings(ordinaryConfig(issuer, changes), { ...env, ...more });

const directory = mkdtempSync(join(tmpdir(), 'easyauth-config-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('§8.1 where the document comes from [D]', () => {
  const bare = { platform: { enabled: true } };

  it('§8.1 a bare tree and an ARM envelope are the same', () => {
    const wrapped = { id: '/x', name: 'authsettingsV2', type: 't', properties: bare };
    const paths = [bare, wrapped].map((value, index) => file(`auth${index}.json`, JSON.stringify(value)));
    for (const path of paths) expect(loadDocument(path, {}).value).toEqual(bare);
  });

  it('§8.1 WEBSITE_AUTH_V2_CONFIG_JSON is read, and its configFilePath followed', () => {
    expect(loadDocument(undefined, { WEBSITE_AUTH_V2_CONFIG_JSON: JSON.stringify(bare) }).value).toEqual(
      bare,
    );
    const path = file('auth.json', '\uFEFF{"login":{}}');
    const pointing = JSON.stringify({ platform: { configFilePath: path } });
    expect(loadDocument(undefined, { WEBSITE_AUTH_V2_CONFIG_JSON: pointing }).value).toEqual({ login: {} });
  });

  it('§8.1 WEBSITE_AUTH_FROM_FILE with WEBSITE_AUTH_FILE_PATH names a file', () => {
    const path = file('auth.json', '{"login":{}}');
    const found = loadDocument(undefined, { WEBSITE_AUTH_FROM_FILE: 'true', WEBSITE_AUTH_FILE_PATH: path });
    expect(found.value).toEqual({ login: {} });
  });

  it('none, an unreadable one and one that is no JSON are refused by name', () => {
    expect(() => loadDocument(undefined, {})).toThrow(ConfigError);
    expect(() => loadDocument(join(directory, 'none.json'), {})).toThrow(/none\.json: cannot be read/);
    expect(() => loadDocument(file('bad.json', '{'), {})).toThrow(/bad\.json: is not valid JSON/);
    expect(readSettings([], env).problems[0]).toContain('must be a JSON object');
  });
});

describe('§8 what is understood [D]', () => {
  it('the seed case works to the letter', () => {
    const seed = { login: { loginParameters: ['scope=openid profile email offline_access'] } };
    const { settings, problems } = readSettings(
      {
        identityProviders: {
          azureActiveDirectory: { registration: { openIdIssuer: issuer, clientId }, ...seed },
        },
      },
      {},
    );
    expect(problems).toEqual([]);
    expect(settings.aad?.loginParameters.get('scope')).toBe('openid profile email offline_access');
  });

  it('§8 defaults: redirect, https, /.auth, store off, 72 h, 8 h, nonce checked for 5 minutes', () => {
    const tree = {
      identityProviders: { azureActiveDirectory: { registration: { openIdIssuer: issuer, clientId } } },
    };
    const { settings } = readSettings(tree, {});
    expect(settings).toMatchObject({
      enabled: true,
      action: 'RedirectToLoginPage',
      requireHttps: true,
      apiPrefix: '/.auth',
      tokenStore: false,
      refreshExtensionMs: 72 * 3_600_000,
      cookie: { derivedFromProvider: false, lifetimeMs: 8 * 3_600_000 },
      validateNonce: true,
      nonceLifetimeMs: 300_000,
    });
  });

  it('§8.3 numbers and booleans as text, names in any case, both spellings', () => {
    const { settings, problems } = read({
      'login.tokenStore': { Enabled: 'True', tokenRefreshExtensionHours: '24.5' },
      'login.cookieExpiration': { convention: 'identityderived', timeToExpiration: '1.02:00:00' },
      'globalValidation.unauthenticatedClientAction': 'RejectWith403',
      [`${aad}.login.disableWwwAuthenticate`]: 'true',
    });
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      tokenStore: true,
      refreshExtensionMs: 24.5 * 3_600_000,
      cookie: { derivedFromProvider: true, lifetimeMs: 26 * 3_600_000 },
      action: 'Return403',
      aad: { challenge: false },
    });
  });

  it('a portal export that lists every provider enabled and empty is good', () => {
    const empty = { enabled: true, login: {}, registration: {} };
    const { problems, warnings } = read({
      'identityProviders.facebook': empty,
      'identityProviders.gitHub': empty,
      'identityProviders.google': { ...empty, validation: {} },
      'identityProviders.twitter': { enabled: true, registration: {} },
      'identityProviders.apple': empty,
      'identityProviders.legacyMicrosoftAccount': { ...empty, validation: {} },
      'identityProviders.azureStaticWebApps': { enabled: true, registration: {} },
      'identityProviders.customOpenIdConnectProviders': {},
      'login.tokenStore.azureBlobStorage': {},
      'login.tokenStore.fileSystem': {},
      'login.allowedExternalRedirectUrls': null,
      [`${aad}.isAutoProvisioned`]: false,
    });
    expect([problems, warnings]).toEqual([[], []]);
  });

  it('§8.2 WEBSITE_AUTH_* settings win over the document; those written for the app only fill gaps', () => {
    const { settings, problems } = read(
      { [`${aad}.validation.allowedAudiences`]: ['from-file'] },
      {
        WEBSITE_AUTH_TOKEN_REFRESH_HOURS: '1',
        WEBSITE_AUTH_NONCE_DURATION: '00:01:00',
        WEBSITE_AUTH_COOKIE_EXPIRATION_TIME: '02:00:00',
        WEBSITE_AUTH_UNAUTHENTICATED_ACTION: 'Return404',
        WEBSITE_AUTH_EXTERNAL_REDIRECT_URLS: 'https://a.test/x, https://b.test',
        WEBSITE_AUTH_ALLOWED_AUDIENCES: '["api://a","api://b"]',
        WEBSITE_AUTH_CLIENT_ID: 'another',
        WEBSITE_AUTH_USE_LEGACY_CLAIMS: 'False',
        WEBSITE_AUTH_AAD_CLAIMS_AUTHORIZATION: '{"allowed_groups":["g"],"allowed_client_applications":["c"]}',
      },
    );
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      refreshExtensionMs: 3_600_000,
      nonceLifetimeMs: 60_000,
      cookie: { lifetimeMs: 7_200_000 },
      action: 'Return404',
      allowedExternalRedirectUrls: ['https://a.test/x', 'https://b.test'],
      modernClaims: true,
      aad: {
        clientId,
        allowedAudiences: ['api://a', 'api://b'],
        allowedGroups: ['g'],
        allowedClientApplications: ['c'],
      },
    });
  });
});

describe('§8 several providers [D]', () => {
  const google = { registration: { clientId: 'g', clientSecretSettingName: 'AAD_SECRET' } };
  const twitter = { registration: { consumerKey: 't', consumerSecretSettingName: 'AAD_SECRET' } };
  const both = { 'identityProviders.google': google, 'identityProviders.twitter': twitter };
  const redirect = { 'globalValidation.unauthenticatedClientAction': 'RedirectToLoginPage' };

  it('redirectToProvider names one by any of its names, in any case', () => {
    for (const [asked, alias] of [
      ['AzureActiveDirectory', 'aad'],
      ['Google', 'google'],
      ['x', 'twitter'],
    ]) {
      const { settings, problems } = read({
        ...both,
        ...redirect,
        'globalValidation.redirectToProvider': asked,
      });
      expect([problems, settings.redirectTo]).toEqual([[], alias]);
    }
  });

  it('redirecting without saying where is refused, and fine with one provider', () => {
    expect(read({ ...both, ...redirect }).problems.join()).toContain(
      'redirectToProvider: is missing, and there are several providers: aad, google, twitter',
    );
    expect(read(redirect).problems).toEqual([]);
  });

  it('EASYAUTH_<NAME>_BASE_URL moves a provider, to https or loopback only', () => {
    const { settings } = read(both, { EASYAUTH_GOOGLE_BASE_URL: 'http://localhost:9400/google/' });
    expect(settings.others[0]).toMatchObject({ kind: 'google', baseUrl: 'http://localhost:9400/google' });
    expect(settings.others[1]).toMatchObject({ kind: 'twitter', baseUrl: 'https://api.twitter.com' });
    const { problems } = read(both, { EASYAUTH_TWITTER_BASE_URL: 'http://api.x.test' });
    expect(problems.join()).toContain('EASYAUTH_TWITTER_BASE_URL: must use https');
  });

  it('the secret of each comes from its setting only', () => {
    const literal = {
      'identityProviders.google': {
        registration: { ...google.registration, clientSecret: 'canary-secret' },
      },
    };
    const { problems } = read({ ...both, ...literal });
    expect(problems.join()).toContain('google.registration.clientSecret: holds a secret');
    expect(JSON.stringify(read(both).settings)).not.toContain('canary-secret');
  });

  it('the description names every one, and where its secret comes from', () => {
    const text = describeSettings(read(both).settings);
    for (const part of ['google', 'https://accounts.google.com', 'twitter', 'from AAD_SECRET'])
      expect(text).toContain(part);
  });
});

describe('§8 what is warned about [I]', () => {
  it('every unknown member by its path, and unknown WEBSITE_AUTH_ settings', () => {
    const { warnings, problems } = read(
      { 'login.tokenStore.compress': true, 'globalValidation.except': [], surprise: 1 },
      { WEBSITE_AUTH_CONFIG: 'x' },
    );
    expect(problems).toEqual([]);
    expect(warnings.join('\n')).toMatch(/login\.tokenStore\.compress: is not known/);
    expect(warnings.join('\n')).toMatch(/globalValidation\.except: is not known/);
    expect(warnings.join('\n')).toMatch(/surprise: is not known/);
    expect(warnings.join('\n')).toMatch(/WEBSITE_AUTH_CONFIG: is not known/);
  });

  it('https required while nothing can say https, and tokens asked for that nobody gets', () => {
    const { warnings } = read({ 'httpSettings.requireHttps': true, 'login.tokenStore.enabled': false });
    expect(warnings.join('\n')).toContain('httpSettings.requireHttps: is on, but no proxy is trusted');
    expect(warnings.join('\n')).toContain('login.tokenStore.enabled: is off');
  });

  it('an action without effect, and a nonce that is not checked', () => {
    const { warnings } = read({
      'globalValidation.requireAuthentication': false,
      'login.nonce.validateNonce': 'false',
    });
    expect(warnings.join('\n')).toContain('unauthenticatedClientAction: has no effect');
    expect(warnings.join('\n')).toContain('login.nonce.validateNonce: is off');
  });
});

const refused: [string, Record<string, unknown>, RegExp][] = [
  [
    'a wrong type',
    { 'login.tokenStore.enabled': 'perhaps' },
    /login\.tokenStore\.enabled: must be true or false/,
  ],
  [
    'a wrong time span',
    { 'login.nonce.nonceExpirationInterval': '5m' },
    /nonceExpirationInterval: must be a time span/,
  ],
  ['an unknown action', { 'globalValidation.unauthenticatedClientAction': 'Return418' }, /must be one of/],
  [
    'a contradiction',
    { 'globalValidation.unauthenticatedClientAction': 'AllowAnonymous' },
    /contradicts requireAuthentication/,
  ],
  ['a member in two spellings', { Platform: {} }, /Platform: is given twice/],
  [
    'a literal secret',
    { [`${aad}.registration.clientSecret`]: 'canary-secret' },
    /clientSecret: holds a secret/,
  ],
  [
    'a setting that is not set',
    { [`${aad}.registration.clientSecretSettingName`]: 'MISSING_SECRET' },
    /names MISSING_SECRET, which is not set/,
  ],
  [
    'an http issuer that is not local',
    { [`${aad}.registration.openIdIssuer`]: 'http://idp.test/x' },
    /must use https/,
  ],
  ['no issuer', { [`${aad}.registration.openIdIssuer`]: null }, /openIdIssuer: is missing/],
  ['no client id', { [`${aad}.registration.clientId`]: '' }, /clientId: is missing/],
  ['two scopes', { [`${aad}.login.loginParameters`]: ['scope=a', 'scope=b'] }, /\[1\]: scope is given twice/],
  [
    'a reserved parameter',
    { [`${aad}.login.loginParameters`]: ['redirect_uri=x'] },
    /redirect_uri is decided/,
  ],
  ['a parameter without =', { [`${aad}.login.loginParameters`]: ['prompt'] }, /must have the form/],
  [
    'a wildcard in the middle',
    { 'globalValidation.excludedPaths': ['/a/*/b'] },
    /wildcard only as a closing/,
  ],
  [
    'a path that is none',
    { 'globalValidation.excludedPaths': ['public'] },
    /excludedPaths\[0\]: must start with/,
  ],
  ['a script as redirect', { 'login.allowedExternalRedirectUrls': ['javascript:alert(1)'] }, /scheme/],
  [
    'a linked Static Web App, which only the platform can vouch for',
    { 'identityProviders.azureStaticWebApps.registration.clientId': 'x' },
    /azureStaticWebApps: cannot work outside Azure/,
  ],
  [
    'an unknown provider',
    { 'globalValidation.redirectToProvider': 'google' },
    /names no configured provider/,
  ],
  ['Custom without a header', { 'httpSettings.forwardProxy.convention': 'Custom' }, /Custom needs/],
  [
    'a provider without its secret',
    { 'identityProviders.google.registration.clientId': 'x' },
    /google\.registration\.clientSecretSettingName: is missing/,
  ],
  [
    'a custom provider without its address',
    { 'identityProviders.openIdConnectProviders': { auth0: { registration: { clientId: 'x' } } } },
    /customOpenIdConnectProviders\.auth0\..*wellKnownOpenIdConfiguration: is missing/,
  ],
  [
    'a custom provider with a dash in its name, or with a built-in name',
    {
      'identityProviders.customOpenIdConnectProviders': {
        'my-idp': { registration: { clientId: 'x' } },
        Google: { registration: { clientId: 'x' } },
      },
    },
    /my-idp: is no provider name[\s\S]*Google: has the name of a built-in/,
  ],
  [
    'a certificate beside a secret, and one without a thumbprint',
    { [`${aad}.registration.clientSecretCertificateThumbprint`]: 'AB' },
    /Thumbprint: contradicts clientSecretSettingName[\s\S]*must be a SHA-1 thumbprint/,
  ],
];

describe('§8 what is refused [I]', () => {
  it.each(refused)('%s, by its path and without its value', (_name, changes, pattern) => {
    const { problems } = read(changes);
    expect(problems.join('\n')).toMatch(pattern);
    expect(problems.join('\n')).not.toContain('canary-secret');
  });

  it('every problem at once', () => {
    const { problems } = read({
      'login.tokenStore.enabled': 'perhaps',
      'globalValidation.excludedPaths': ['public'],
      [`${aad}.registration.clientSecretSettingName`]: 'q8W~canary-pasted-secret',
    });
    expect(problems.length).toBe(3);
    expect(problems.join('\n')).not.toContain('canary-pasted-secret');
  });

  it('WEBSITE_AUTH_CUSTOM_IDPS, whose form is documented nowhere', () => {
    const { problems } = read({}, { WEBSITE_AUTH_CUSTOM_IDPS: '{"canary-secret":1}' });
    expect(problems).toEqual([
      'WEBSITE_AUTH_CUSTOM_IDPS: has no documented form: use customOpenIdConnectProviders',
    ]);
  });

  it('redirecting with no provider', () => {
    expect(readSettings({}, {}).problems.join('\n')).toContain('has no provider to redirect to');
  });

  it('compat options by name and by value', () => {
    expect(
      read({}, { EASYAUTH_COMPAT: 'csrf=post-only,hideTokensFromMe=true' }).settings.compat,
    ).toMatchObject({
      csrf: 'post-only',
      hideTokensFromMe: 'true',
      strictAzureOverwrite: 'false',
    });
    const { problems } = read({}, { EASYAUTH_COMPAT: 'nope=1,csrf=never' });
    expect(problems.length).toBe(2);
  });
});

describe('§8 the description [I]', () => {
  it('says what was understood and where the secret comes from, never the secret', () => {
    const text = describeSettings(read().settings);
    expect(text).toContain('from AAD_SECRET');
    expect(text).toContain('Return401');
    expect(text).not.toContain('canary-secret');
    expect(JSON.stringify(read().settings)).not.toContain('canary-secret');
  });
});
