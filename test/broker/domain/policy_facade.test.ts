import { describe, expect, it } from 'vitest';
import { ConfigRefused, type Environment } from '../../../shared/config.js';
import { readPolicy } from '../../../shared/policy.js';

const READER = 'https://reader.test';
const APP = '5555555A-5555-4555-8555-555555555555';
const env: Environment = { FACADE_SECRET: 'canary-of-the-facade' };
const facade = { appId: APP, scope: 'api://reader/access_as_user', secretSetting: 'FACADE_SECRET' };

function documentOf(resource: object): string {
  const whole = { narrowing: 'facade', provider: 'aad', scopes: ['User.Read'], facade, ...resource };
  return JSON.stringify({ resources: { [READER]: whole }, clients: {} });
}

const resourceOf = (resource: object) => readPolicy(documentOf(resource), env).resources.get(READER);

function problemsOf(resource: object, settings = env): readonly string[] {
  try {
    readPolicy(documentOf(resource), settings);
  } catch (error) {
    if (error instanceof ConfigRefused) return error.problems;
    throw error;
  }
  return [];
}

describe('a facade in the policy', () => {
  it('is an app id, its credential, its scope and the API behind it', () => {
    expect(resourceOf({})).toEqual({
      narrowing: 'facade',
      provider: 'aad',
      scope: ['User.Read'],
      allowWider: false,
      facade: {
        appId: APP.toLowerCase(),
        credential: { secret: 'canary-of-the-facade' },
        scope: 'api://reader/access_as_user',
        resource: READER,
      },
    });
  });

  it('may use a managed identity, and stand before an API that has another name', () => {
    const { secretSetting: _, ...rest } = facade;
    const other = { ...rest, managedIdentity: APP, resource: 'https://graph.microsoft.com' };
    expect(resourceOf({ facade: other })).toMatchObject({
      facade: { credential: { managedIdentity: APP }, resource: 'https://graph.microsoft.com' },
    });
  });

  it.each<[string, object]>([
    ['without its facade', { facade: undefined }],
    ['with a facade under another narrowing', { narrowing: 'provider' }],
    ['with a facade on minted tokens', { narrowing: 'minted', provider: undefined }],
    ['at a provider that knows none', { provider: 'google' }],
    ['without an app id', { facade: { ...facade, appId: undefined } }],
    ['with an app id that is none', { facade: { ...facade, appId: 'reader' } }],
    ['without a scope', { facade: { ...facade, scope: undefined } }],
    ['with two scopes in one', { facade: { ...facade, scope: 'api://a/x api://b/y' } }],
    ['without a credential', { facade: { ...facade, secretSetting: undefined } }],
    ['with two credentials', { facade: { ...facade, managedIdentity: APP } }],
    ['with a secret in the document', { facade: { ...facade, secret: 'x' } }],
    ['with a resource that is none', { facade: { ...facade, resource: 'graph' } }],
  ])('is refused %s', (_, resource) => {
    expect(problemsOf(resource)).not.toEqual([]);
  });

  it('is refused when its secret is not set, naming the setting', () => {
    expect(problemsOf({}, {})).toEqual([
      `policy/resources/${READER}/facade/secretSetting: the setting FACADE_SECRET is missing`,
    ]);
  });
});
