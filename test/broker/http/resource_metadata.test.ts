import { describe, expect, it } from 'vitest';
import { resourceMetadataUrl } from '../../../shared/http/resource_metadata.js';
import { callRoute, PUBLIC, withBroker } from '../support/broker.js';
import { TENANT } from '../support/issuer.js';

const test = withBroker();
const HOME = '99999999-9999-4999-8999-999999999999';

describe('RFC 9728', () => {
  it('§2 names the resource, who issues tokens for it, and how they are shown', async () => {
    const answer = await test.call('resourceMetadata');
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'public, max-age=300' } });
    expect(answer.body).toEqual({
      resource: PUBLIC,
      resource_name: 'Token broker',
      authorization_servers: [test.entra.issuer],
      scopes_supported: ['api://token-broker/.default'],
      bearer_methods_supported: ['header'],
    });
  });

  it('§2 of several tenants names the home tenant alone: who the others are is nobody’s business', async () => {
    const origin = new URL(test.entra.issuer).origin;
    const several = {
      BROKER_AAD_ISSUER: `${origin}/organizations/v2.0`,
      BROKER_AAD_TENANTS: `${TENANT},${HOME}`,
    };
    const home = test.compose({ ...several, BROKER_AAD_HOME_TENANT: HOME });
    expect((await callRoute(home, 'resourceMetadata')).body.authorization_servers).toEqual([
      `${origin}/${HOME}/v2.0`,
    ]);
    const none = await callRoute(test.compose(several), 'resourceMetadata');
    expect(none.body).not.toHaveProperty('authorization_servers');
    expect(none.text).not.toContain(TENANT);
  });

  it.each([
    ['https://broker.test', 'https://broker.test/.well-known/oauth-protected-resource'],
    ['https://broker.test/a/b', 'https://broker.test/.well-known/oauth-protected-resource/a/b'],
  ])('§3.1 the metadata of %s is at %s', (address, url) => {
    expect(resourceMetadataUrl(address)).toBe(url);
  });

  it.each([
    ['listGrants', {}],
    ['auditEvents', {}],
    ['listConnections', {}],
  ] as const)('§5.1 %s tells a caller that is nobody where the metadata is', async (route, headers) => {
    const answer = await test.call(route, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource"`,
    );
  });

  it('§5.1 a token that is not taken is named as that (RFC 6750 §3.1)', async () => {
    const answer = await test.call('listGrants', { headers: { authorization: 'Bearer x.y.z' } });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", resource_metadata="/);
  });

  it('§5.1 nobody else is challenged: what is refused for another reason needs no other token', async () => {
    expect((await test.call('listGrants', { method: 'PATCH' })).headers).not.toHaveProperty(
      'www-authenticate',
    );
  });
});
