import { beforeAll, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../../shared/adapters/http_client.js';
import { otherIssuerOf, verifyOpenIdSubject } from '../../../shared/adapters/jose/openid_subject_tokens.js';
import {
  subjectOf,
  type UserTokenRequest,
  verifyIdToken,
} from '../../../shared/adapters/jose/provider_tokens.js';
import { createProviderDocuments } from '../../../shared/adapters/provider/metadata.js';
import type { ConfiguredProvider } from '../../../shared/adapters/provider/provider.js';
import { aad } from '../../../shared/providers/aad.js';
import { google } from '../../../shared/providers/google.js';
import { openIdRules } from '../../../shared/providers/openid.js';
import type { ProviderRules } from '../../../shared/providers/rules.js';
import { type Claims, forge, newKey, type SigningKey, settings, sign } from '../support/issuer.js';
import { refusalOf } from '../support/refusals.js';
import { NOW } from '../support/samples.js';

const ISSUER = 'https://accounts.test';
const CLIENT = 'easy-auth';
const clock = () => NOW;
let key: SigningKey;
beforeAll(async () => {
  key = await newKey('k1');
});

/** A provider whose metadata names these addresses. */
function provider(rules: ProviderRules, more: { keysAt?: string; trustedOrigins?: readonly string[] } = {}) {
  const { keysAt = ISSUER, trustedOrigins = [] } = more;
  const http: HttpClient = async ({ url }) => {
    const document = url.endsWith('openid-configuration')
      ? { issuer: ISSUER, token_endpoint: `${ISSUER}/token`, jwks_uri: `${keysAt}/keys` }
      : { keys: [key.publicJwk] };
    return { status: 200, headers: {}, body: JSON.stringify(document) };
  };
  const mine = {
    ...settings,
    name: rules.name,
    issuer: ISSUER,
    tenant: ISSUER,
    clientId: CLIENT,
    rolesCount: false,
  };
  const documents = createProviderDocuments({ ...mine, trustedOrigins }, { http, clock });
  return { providers: new Map([[rules.name, { settings: mine, rules, documents }]]), clock };
}

const custom = openIdRules({ name: 'contoso', rotation: 'none' });
const claims = (more: Claims = {}): Claims => {
  const now = NOW / 1000;
  return { iss: ISSUER, aud: CLIENT, sub: 'user-1', iat: now - 10, exp: now + 3600, ...more };
};
const verify = async (rules: ProviderRules, more: Claims = {}) =>
  verifyIdToken(provider(rules), rules.name, { token: await sign(key, claims(more)), lateSeconds: 0 });

describe('ID tokens of Google and custom providers', () => {
  it.each([google, custom])(
    '$name: name their user by issuer and sub; roles and groups in them count nothing',
    async (rules) => {
      const verified = await verify(rules, {
        roles: ['Audit.Read'],
        groups: ['g'],
        azp: CLIENT,
        name: 'Ida',
      });
      expect(verified).toMatchObject({
        subject: { provider: rules.name, tenant: ISSUER, id: 'user-1' },
        roles: [],
        name: 'Ida',
      });
      expect(verified.membership).toEqual({ roles: [] });
    },
  );

  it("Google's issuer without its scheme is the same issuer; a custom provider has one spelling", async () => {
    const short = { iss: 'accounts.test' };
    expect((await verify(google, short)).subject.tenant).toBe(ISSUER);
    expect((await refusalOf(() => verify(custom, short))).code).toBe('unauthenticated');
  });

  it.each([
    ['of another issuer', { iss: 'https://evil.test' }],
    ['for another app', { aud: 'another' }],
    ['that another app asked for', { azp: 'another' }],
    ['that are access tokens', { scope: 'openid' }],
    ['that have ended', { exp: NOW / 1000 - 3600 }],
    ['of the future', { iat: NOW / 1000 + 3600 }],
    ['that name nobody', { sub: undefined }],
  ])('%s are refused', async (_, more) => {
    for (const rules of [google, custom]) {
      expect((await refusalOf(() => verify(rules, more))).code).toBe('unauthenticated');
    }
  });

  it('unsigned, or signed in a way that is not on the list, are refused', async () => {
    const lateSeconds = 0;
    const none = forge({ alg: 'none' }, claims());
    const hmac = forge({ alg: 'HS256', kid: 'k1' }, claims(), JSON.stringify(key.publicJwk));
    for (const token of [none, hmac]) {
      const verified = verifyIdToken(provider(custom), 'contoso', { token, lateSeconds });
      expect((await refusalOf(() => verified)).code).toBe('unauthenticated');
    }
  });

  it('keys elsewhere than at the issuer are used only where the settings trust that place', async () => {
    const keysAt = 'https://keys.test';
    const token = await sign(key, claims());
    const ask = (trustedOrigins: readonly string[]) =>
      verifyIdToken(provider(custom, { keysAt, trustedOrigins }), 'contoso', { token, lateSeconds: 0 });
    expect((await ask([keysAt])).subject.id).toBe('user-1');
    expect((await refusalOf(() => ask([]))).code).toBe('temporarily_unavailable');
  });

  it('straight from the token endpoint they name the user for our app alone', () => {
    const named = (more: Claims) =>
      subjectOf(provider(custom), 'contoso', forge({ alg: 'none' }, claims(more)));
    expect(named({})).toEqual({ provider: 'contoso', tenant: ISSUER, id: 'user-1' });
    expect(named({ aud: 'another' })).toBeUndefined();
    expect(named({ iss: 'https://evil.test' })).toBeUndefined();
  });
});

describe('ID tokens of Google and custom providers as subject tokens', () => {
  const present = async (more: Claims, asked: Partial<UserTokenRequest> = {}) => {
    const deps = provider(custom);
    const token = await sign(key, claims(more));
    const found = otherIssuerOf(deps, ISSUER);
    if (!found) throw new Error('the issuer is not found');
    return verifyOpenIdSubject(deps, found, { token, kind: 'id_token', audiences: ['the-app'], ...asked });
  };

  it('stand for their user where policy allows their audience', async () => {
    expect(await present({ aud: 'the-app' })).toEqual({
      subject: { provider: 'contoso', tenant: ISSUER, id: 'user-1' },
      expiresAt: NOW + 3_600_000,
    });
  });

  it.each([
    ['for an app that policy does not name', {}, {}],
    ["that Easy Auth's own app asked for, presented as another's", { aud: 'the-app', azp: CLIENT }, {}],
    ['called an access token', { aud: 'the-app' }, { kind: 'access_token' as const }],
    ['that are access tokens', { aud: 'the-app', scope: 'a' }, {}],
    ['that have ended', { aud: 'the-app', exp: NOW / 1000 - 120 }, {}],
    ['of another issuer', { aud: 'the-app', iss: 'https://evil.test' }, {}],
  ])('%s are refused', async (_, more, asked) => {
    expect((await refusalOf(() => present(more, asked))).code).toBe('unauthenticated');
  });

  it('are never looked for at Entra, nor at a provider that signs nothing', () => {
    const { providers, clock: now } = provider(custom);
    const entra = { settings, rules: aad, documents: providers.get('contoso')?.documents };
    const all = new Map([...providers, ['aad', entra as ConfiguredProvider]]);
    expect(otherIssuerOf({ providers: all, clock: now }, settings.issuer)).toBeUndefined();
    expect(otherIssuerOf({ providers, clock: now }, undefined)).toBeUndefined();
  });
});
