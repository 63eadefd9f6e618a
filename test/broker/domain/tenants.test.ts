import { describe, expect, it } from 'vitest';
import { ConfigRefused, type Environment, readConfig } from '../../../shared/config.js';

const A = '11111111-1111-4111-8111-111111111111';
const B = '99999999-9999-4999-8999-999999999999';
const BASE = 'https://login.microsoftonline.com';
const good: Environment = {
  BROKER_ISSUER: 'https://broker.test',
  BROKER_TABLES_CONNECTION_STRING: 'UseDevelopmentStorage=true',
  BROKER_VAULT_KEY_FILE: '/state/vault.key',
  BROKER_REFRESH_SCHEDULE: '0 * * * * *',
  BROKER_AAD_ISSUER: `${BASE}/organizations/v2.0`,
  BROKER_AAD_TENANTS: `${A},${B}`,
  BROKER_AAD_CLIENT_ID: 'client',
  BROKER_AAD_CLIENT_SECRET: 'secret',
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

describe('an issuer of several tenants', () => {
  it.each(['organizations', 'common', '{tenantid}'])(
    '%s stands for the listed ones, each with its issuer',
    (name) => {
      const { aad } = readConfig({ ...good, BROKER_AAD_ISSUER: `${BASE}/${name}/v2.0` });
      expect(aad.tenants?.map(({ tenant, issuer, rolesCount }) => [tenant, issuer, rolesCount])).toEqual([
        [A, `${BASE}/${A}/v2.0`, false],
        [B, `${BASE}/${B}/v2.0`, false],
      ]);
    },
  );

  it('counts roles of the home tenant', () => {
    const { aad } = readConfig({ ...good, BROKER_AAD_HOME_TENANT: B });
    expect(aad.tenants?.map(({ rolesCount }) => rolesCount)).toEqual([false, true]);
  });

  it.each<[string, Environment]>([
    ['without a list: nobody says "any"', { BROKER_AAD_TENANTS: '' }],
    ['with an empty list', { BROKER_AAD_TENANTS: ' , ' }],
    ['with a domain in the list', { BROKER_AAD_TENANTS: 'contoso.com' }],
    ['with a star in the list', { BROKER_AAD_TENANTS: `${A},*` }],
    ['with capitals, which no token has', { BROKER_AAD_TENANTS: `ABCDEF${A.slice(6)}` }],
    ['with a home that is not listed', { BROKER_AAD_TENANTS: A, BROKER_AAD_HOME_TENANT: B }],
    [
      'for consumers, who are a tenant by number',
      { BROKER_AAD_ISSUER: `${BASE}/consumers/v2.0`, BROKER_AAD_TENANTS: '' },
    ],
    ['with a list beside one tenant', { BROKER_AAD_ISSUER: `${BASE}/${A}/v2.0` }],
    [
      'with a home beside one tenant',
      { BROKER_AAD_ISSUER: `${BASE}/${A}/v2.0`, BROKER_AAD_TENANTS: '', BROKER_AAD_HOME_TENANT: A },
    ],
    [
      'with more tenants than can be kept',
      {
        BROKER_AAD_TENANTS: Array.from(
          { length: 201 },
          (_, n) => `${String(n).padStart(8, '0')}${A.slice(8)}`,
        ).join(),
      },
    ],
  ])('is refused %s', (_, changes) => {
    expect(problemsOf(changes)).toHaveLength(1);
  });
});
