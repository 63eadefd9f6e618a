import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../shared/config.js';
import { readOtherProviders } from '../../../shared/settings/providers.js';
import { readerOf } from '../../../shared/settings/reader.js';

const CANARY = 'canary-value-77aa';

function read(env: Environment) {
  const problems: string[] = [];
  const providers = readOtherProviders(env, readerOf(env, problems), problems);
  return { providers, problems };
}

describe('providers beside Entra', () => {
  it('are off until they have a client id, also where Easy Auth has a secret for them', () => {
    const { providers, problems } = read({ GITHUB_PROVIDER_AUTHENTICATION_SECRET: CANARY });
    expect([providers, problems]).toEqual([[], []]);
  });

  it.each(['GOOGLE', 'FACEBOOK', 'TWITTER', 'GITHUB'])(
    "%s takes its secret from where Easy Auth's is",
    (name) => {
      const env = { [`BROKER_${name}_CLIENT_ID`]: 'app', [`${name}_PROVIDER_AUTHENTICATION_SECRET`]: CANARY };
      const { providers, problems } = read(env);
      expect(problems).toEqual([]);
      expect(providers).toMatchObject([
        { name: name.toLowerCase(), clientId: 'app', clientSecret: CANARY, credential: { secret: CANARY } },
      ]);
    },
  );

  it("Facebook's users stay who they are when the version in the address changes, and another host is another authority", () => {
    const tenantAt = (url: string) =>
      read({
        BROKER_FACEBOOK_CLIENT_ID: 'a',
        BROKER_FACEBOOK_CLIENT_SECRET: CANARY,
        BROKER_FACEBOOK_GRAPH_URL: url,
      }).providers[0]?.tenant;
    expect(tenantAt('https://graph.facebook.com/v24.0')).toBe('https://www.facebook.com');
    expect(tenantAt('http://localhost:9400/facebook')).toBe('http://localhost:9400/facebook');
  });

  it('custom providers are single use unless set otherwise, and then need no secret of ours', () => {
    const { providers, problems } = read({
      BROKER_OIDC_PROVIDERS: 'Contoso, fabrikam',
      BROKER_OIDC_CONTOSO_ISSUER: 'https://login.contoso.test/',
      BROKER_OIDC_CONTOSO_CLIENT_ID: 'app',
      BROKER_OIDC_CONTOSO_SIGN_IN_SCOPES: 'openid mail.read',
      BROKER_OIDC_FABRIKAM_ISSUER: 'https://login.fabrikam.test',
      BROKER_OIDC_FABRIKAM_CLIENT_ID: 'app',
      BROKER_OIDC_FABRIKAM_CLIENT_SECRET: CANARY,
      BROKER_OIDC_FABRIKAM_ROTATION: 'replace-keep-old',
      BROKER_OIDC_FABRIKAM_TRUSTED_ORIGINS: 'https://tokens.fabrikam.test/x, https://keys.fabrikam.test',
    });
    expect(problems).toEqual([]);
    expect(providers).toMatchObject([
      {
        name: 'contoso',
        issuer: 'https://login.contoso.test/',
        rotation: 'single-use',
        signInScopes: ['openid', 'mail.read'],
      },
      {
        name: 'fabrikam',
        rotation: 'replace-keep-old',
        trustedOrigins: ['https://tokens.fabrikam.test', 'https://keys.fabrikam.test'],
      },
    ]);
  });

  it('every problem is listed by the name of its setting, and no value with it', () => {
    const { problems } = read({
      BROKER_GOOGLE_CLIENT_ID: 'app',
      BROKER_GOOGLE_ISSUER: `http://${CANARY}.test`,
      BROKER_GITHUB_CLIENT_SECRET: CANARY,
      BROKER_OIDC_PROVIDERS: `a,a,github,${CANARY}!,b`,
      BROKER_OIDC_A_ISSUER: `http://${CANARY}.test`,
      BROKER_OIDC_A_ROTATION: CANARY,
      BROKER_OIDC_A_TRUSTED_ORIGINS: CANARY,
      BROKER_OIDC_B_ROTATION: 'none',
    });
    const named = problems.map((problem) => problem.split(' ')[0]);
    expect(named.sort()).toEqual([
      'BROKER_GITHUB_CLIENT_ID',
      'BROKER_GOOGLE_CLIENT_SECRET',
      'BROKER_GOOGLE_ISSUER',
      'BROKER_OIDC_A_CLIENT_ID',
      'BROKER_OIDC_A_ISSUER',
      'BROKER_OIDC_A_ROTATION',
      'BROKER_OIDC_A_TRUSTED_ORIGINS',
      'BROKER_OIDC_B_CLIENT_ID',
      'BROKER_OIDC_B_CLIENT_SECRET',
      'BROKER_OIDC_B_ISSUER',
      'BROKER_OIDC_PROVIDERS',
      'BROKER_OIDC_PROVIDERS',
      'BROKER_OIDC_PROVIDERS',
    ]);
    expect(problems.join('\n')).not.toContain(CANARY);
  });
});
