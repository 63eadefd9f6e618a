import { describe, expect, it } from 'vitest';
import { expiringRegistrations } from '../../../shared/compose/upkeep.js';
import { readPolicy } from '../../../shared/policy.js';
import { readerOf } from '../../../shared/settings/reader.js';
import { readUpkeep } from '../../../shared/settings/upkeep.js';

const AT = Date.UTC(2027, 0, 31);
const APP = '55555555-5555-4555-8555-555555555555';
const document = JSON.stringify({
  resources: {
    'https://reader.test': {
      narrowing: 'facade',
      provider: 'aad',
      facade: { appId: APP, scope: 'api://reader/access_as_user', secretSetting: 'READER_SECRET' },
      scopes: ['User.Read'],
    },
  },
  clients: {},
});
const env = { READER_SECRET: 'the secret of the facade' };

function read(settings: Record<string, string>) {
  const problems: string[] = [];
  const { secretsExpireAt } = readUpkeep(settings, readerOf(settings, problems), problems);
  return { secretsExpireAt, problems: problems.filter((problem) => problem.includes('EXPIRES')) };
}

describe('the end of a secret', () => {
  it('is known of every provider whose setting says it', () => {
    const { secretsExpireAt } = read({
      BROKER_OIDC_PROVIDERS: 'keycloak',
      BROKER_AAD_CLIENT_SECRET_EXPIRES: '2027-01-31',
      BROKER_GOOGLE_CLIENT_SECRET_EXPIRES: '2027-01-31T00:00:00Z',
      BROKER_OIDC_KEYCLOAK_CLIENT_SECRET_EXPIRES: '2027-01-31',
    });
    expect(secretsExpireAt).toEqual({ aad: AT, google: AT, keycloak: AT });
    expect(read({}).secretsExpireAt).toBeUndefined();
  });

  it('and of every facade, by the name its circuit has', () => {
    const policy = readPolicy(document, { ...env, READER_SECRET_EXPIRES: '2027-01-31' });
    expect(expiringRegistrations({ google: AT }, policy)).toEqual([
      { name: 'google', expiresAt: AT },
      { name: `aad ${APP}`, expiresAt: AT },
    ]);
    expect(expiringRegistrations({}, readPolicy(document, env))).toEqual([]);
  });

  it('that is no date is refused at start, by name and never by value', () => {
    expect(read({ BROKER_GITHUB_CLIENT_SECRET_EXPIRES: 'soon' }).problems).toEqual([
      'BROKER_GITHUB_CLIENT_SECRET_EXPIRES must be a date such as 2027-01-31',
    ]);
    const expires = { ...env, READER_SECRET_EXPIRES: 'soon' };
    expect(() => readPolicy(document, expires)).toThrow(/READER_SECRET_EXPIRES must be a date/);
  });
});
