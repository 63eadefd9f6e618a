import { describe, expect, it } from 'vitest';
import { ConfigRefused, type Environment, readConfig } from '../../../shared/config.js';

const CANARY = 'canary-value-9f31';
const TENANT = '11111111-1111-4111-8111-111111111111';
const IDENTITY = '66666666-6666-4666-8666-666666666666';
const good: Environment = {
  BROKER_ISSUER: 'https://broker.test/',
  WEBSITE_AUTH_ENABLED: 'true',
  BROKER_TABLES_CONNECTION_STRING: 'UseDevelopmentStorage=true',
  BROKER_VAULT_KEY_FILE: '/state/vault.key',
  BROKER_AAD_ISSUER: `http://localhost:9400/${TENANT}/v2.0`,
  BROKER_AAD_CLIENT_ID: 'client',
  BROKER_AAD_CLIENT_SECRET: CANARY,
  BROKER_REFRESH_SCHEDULE: '0 * * * * *',
};

function problemsOf(changes: Environment): readonly string[] {
  try {
    readConfig({ ...good, ...changes });
  } catch (error) {
    if (error instanceof ConfigRefused) return error.problems;
    throw error;
  }
  return [];
}

describe('settings', () => {
  it('are read once, with their presets', () => {
    expect(readConfig(good)).toEqual({
      issuer: 'https://broker.test',
      easyAuthOn: true,
      policyFile: 'policy.json',
      spill: { connectionString: 'UseDevelopmentStorage=true' },
      tables: { connectionString: 'UseDevelopmentStorage=true' },
      vault: { keyFile: '/state/vault.key' },
      aad: {
        name: 'aad',
        issuer: `http://localhost:9400/${TENANT}/v2.0`,
        tenant: TENANT,
        rolesCount: true,
        clientId: 'client',
        credential: { secret: CANARY },
        audiences: ['client', 'api://client'],
      },
      others: [],
      easyAuthOrigin: 'https://broker.test',
      sessionMaxSeconds: 8 * 3600,
      sessionGraceSeconds: 72 * 3600,
      refreshWindowSeconds: 600,
      refreshPeriodSeconds: 60,
      livenessSeconds: 21_600,
      providerRates: { preset: 100, byName: {} },
      providerConcurrency: 64,
      events: {},
      patience: { endedDays: 30, deadDays: 30, grantDays: 30, idleDays: 90, unreachableDays: 90 },
      failuresKeptDays: 90,
      quarantineKeptDays: 30,
      clientCertificates: false,
      dpopNonceRequired: false,
    });
  });

  it('fall back to what Easy Auth itself is configured with', () => {
    const env = {
      ...good,
      BROKER_AAD_ISSUER: undefined,
      BROKER_AAD_CLIENT_ID: undefined,
      BROKER_AAD_CLIENT_SECRET: '',
      WEBSITE_AUTH_OPENID_ISSUER: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      WEBSITE_AUTH_CLIENT_ID: 'easy-auth',
      MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: 'its secret',
    };
    expect(readConfig(env).aad).toMatchObject({
      clientId: 'easy-auth',
      credential: { secret: 'its secret' },
      tenant: TENANT,
    });
  });

  it.each<[string, Environment]>([
    ['of its own', { BROKER_AAD_CLIENT_SECRET: '', BROKER_AAD_FEDERATED_CLIENT_ID: IDENTITY }],
    [
      "of its own before Easy Auth's secret",
      {
        BROKER_AAD_CLIENT_SECRET: '',
        MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: CANARY,
        BROKER_AAD_FEDERATED_CLIENT_ID: IDENTITY,
      },
    ],
    [
      'that Easy Auth uses',
      { BROKER_AAD_CLIENT_SECRET: '', OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: IDENTITY },
    ],
  ])('take a managed identity %s as the credential', (_, changes) => {
    expect(readConfig({ ...good, ...changes }).aad.credential).toEqual({ managedIdentity: IDENTITY });
  });

  it.each<[string, Environment, object]>([
    [
      'the place set for it, before all others',
      { BROKER_SPILL_TABLES_ENDPOINT: 'https://s.test', AzureWebJobsStorage: 'AccountName=host' },
      { endpoint: 'https://s.test' },
    ],
    [
      'a connection string set for it',
      { BROKER_SPILL_TABLES_CONNECTION_STRING: 'AccountName=spill' },
      { connectionString: 'AccountName=spill' },
    ],
    [
      "the host's own account",
      { AzureWebJobsStorage: 'AccountName=host' },
      { connectionString: 'AccountName=host' },
    ],
    [
      "the host's own account by name",
      { AzureWebJobsStorage__accountName: 'hoststorage' },
      { endpoint: 'https://hoststorage.table.core.windows.net' },
    ],
    [
      "the host's own account by address",
      {
        AzureWebJobsStorage__tableServiceUri: 'https://host.table.core.test',
        AzureWebJobsStorage__accountName: 'hoststorage',
      },
      { endpoint: 'https://host.table.core.test' },
    ],
    ['the tables where there is nothing else', {}, { connectionString: 'UseDevelopmentStorage=true' }],
  ])('take for the second place %s', (_, changes, spill) => {
    expect(readConfig({ ...good, ...changes }).spill).toEqual(spill);
  });

  it.each<[string, Environment, string]>([
    [
      'two',
      {
        BROKER_SPILL_TABLES_ENDPOINT: 'https://s.test',
        BROKER_SPILL_TABLES_CONNECTION_STRING: 'AccountName=s',
      },
      'at most one of BROKER_SPILL_TABLES_CONNECTION_STRING and BROKER_SPILL_TABLES_ENDPOINT may be set',
    ],
    [
      'one that is no connection string',
      { BROKER_SPILL_TABLES_CONNECTION_STRING: CANARY },
      'BROKER_SPILL_TABLES_CONNECTION_STRING is not a storage connection string',
    ],
    [
      'one without https',
      { BROKER_SPILL_TABLES_ENDPOINT: `http://${CANARY}` },
      'BROKER_SPILL_TABLES_ENDPOINT must be an https address (http only for localhost)',
    ],
  ])('for the second place: %s is refused', (_, changes, problem) => {
    expect(problemsOf({ ...good, ...changes })).toEqual([problem]);
  });

  it('missing altogether are listed all at once', () => {
    const named = problemsOf(Object.fromEntries(Object.keys(good).map((name) => [name, undefined])));
    expect(named).toEqual([
      'BROKER_ISSUER is missing',
      'exactly one of BROKER_TABLES_CONNECTION_STRING and BROKER_TABLES_ENDPOINT must be set',
      'exactly one of BROKER_VAULT_KEY_FILE and BROKER_VAULT_KEY_ID must be set',
      'BROKER_AAD_ISSUER or WEBSITE_AUTH_OPENID_ISSUER is missing',
      'BROKER_AAD_CLIENT_ID or WEBSITE_AUTH_CLIENT_ID is missing',
      'BROKER_AAD_CLIENT_SECRET or MICROSOFT_PROVIDER_AUTHENTICATION_SECRET is missing',
      'BROKER_REFRESH_SCHEDULE is missing',
    ]);
  });

  it('wrong altogether are listed all at once, each by its name and never by its value', () => {
    const wrong = {
      BROKER_ISSUER: `ftp://${CANARY}`,
      BROKER_TABLES_CONNECTION_STRING: CANARY,
      BROKER_VAULT_KEY_FILE: '',
      BROKER_VAULT_KEY_ID: `http://${CANARY}`,
      BROKER_AAD_ISSUER: `http://${CANARY}/${TENANT}/v2.0`,
      BROKER_SESSION_MAX_HOURS: CANARY,
      BROKER_REFRESH_WINDOW_SECONDS: '-1',
      BROKER_LIVENESS_SECONDS: '1e99',
    };
    const problems = problemsOf(wrong);
    for (const name of Object.keys(wrong).filter((key) => key !== 'BROKER_VAULT_KEY_FILE')) {
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
    }
    expect(new ConfigRefused(problems).message).not.toContain(CANARY);
  });

  it.each([
    ['both ways to the tables', { BROKER_TABLES_ENDPOINT: 'https://x.test' }],
    ['both keys', { BROKER_VAULT_KEY_ID: 'https://vault.test/keys/k' }],
    ['a key file in Azure, beside the data it protects', { WEBSITE_SITE_NAME: 'site' }],
    ['a tenant that is none', { BROKER_AAD_ISSUER: 'https://login.microsoftonline.com/common/v2.0' }],
    [
      'a tenant in capitals, which no token would match',
      { BROKER_AAD_ISSUER: `https://l.test/${'A'.repeat(8)}${TENANT.slice(8)}/v2.0` },
    ],
    ['an issuer on plain http elsewhere', { BROKER_ISSUER: 'http://broker.test' }],
    ['an issuer that only begins like localhost', { BROKER_ISSUER: 'http://localhost.evil.test' }],
    ['an issuer with a query', { BROKER_ISSUER: 'https://broker.test/?x=1' }],
    ['an issuer with a fragment', { BROKER_ISSUER: 'https://broker.test/#x' }],
    ['a secret and a managed identity', { BROKER_AAD_FEDERATED_CLIENT_ID: IDENTITY }],
    [
      'a managed identity that is none',
      { BROKER_AAD_CLIENT_SECRET: '', BROKER_AAD_FEDERATED_CLIENT_ID: 'x' },
    ],
    ['no number', { BROKER_LIVENESS_SECONDS: 'soon' }],
    ['a blank number', { BROKER_LIVENESS_SECONDS: ' ' }],
    ['a rate that is none', { BROKER_PROVIDER_RATES: 'aad=fast' }],
    ['a rate of nothing', { BROKER_PROVIDER_RATES: 'aad=0' }],
    ['a schedule that is none', { BROKER_REFRESH_SCHEDULE: 'every minute' }],
    ['a window that one missed run of the timer uses up', { BROKER_REFRESH_WINDOW_SECONDS: '119' }],
  ])('refuse %s', (_, changes: Environment) => {
    expect(problemsOf(changes)).toHaveLength(1);
  });

  it('take a window of two runs of the timer', () => {
    expect(problemsOf({ BROKER_REFRESH_WINDOW_SECONDS: '120' })).toEqual([]);
  });

  it('name the setting that holds the wrong value, not the one that could have', () => {
    const env = { BROKER_AAD_ISSUER: undefined, WEBSITE_AUTH_OPENID_ISSUER: 'nonsense' };
    for (const problem of problemsOf(env)) expect(problem).toMatch(/^WEBSITE_AUTH_OPENID_ISSUER /);
  });

  it.each(['http://localhost:8080', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://broker.test'])(
    'take %s as an address',
    (issuer) => {
      expect(problemsOf({ BROKER_ISSUER: issuer })).toEqual([]);
    },
  );

  it('audiences are a list; blanks in it are nothing', () => {
    expect(readConfig({ ...good, BROKER_AUDIENCES: ' a , ,b' }).aad.audiences).toEqual(['a', 'b']);
    expect(readConfig({ ...good, BROKER_AUDIENCES: ' , ' }).aad.audiences).toEqual([
      'client',
      'api://client',
    ]);
  });

  it.each([
    ['true', true],
    ['True', true],
    ['1', true],
    ['false', false],
    ['0', false],
    ['', false],
    ['yes', false],
    ['true ', false],
    [undefined, false],
  ])('WEBSITE_AUTH_ENABLED=%s means %s', (value, on) => {
    expect(readConfig({ ...good, WEBSITE_AUTH_ENABLED: value }).easyAuthOn).toBe(on);
  });
});
