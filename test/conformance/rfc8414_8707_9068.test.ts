import { beforeAll, describe, expect, it } from 'vitest';
import { allow, claimsOf, GRAPH, headerOf, ORDERS, refresh, stack, token } from './support.js';

let grant: string;
beforeAll(async () => {
  grant = await allow('alice@contoso.test', 'nightly-report', 'orders.read');
});

async function getJson(path: string) {
  const response = await fetch(`${stack.gateway}${path}`);
  expect(response.status).toBe(200);
  return { headers: response.headers, body: (await response.json()) as Record<string, unknown> };
}

describe('RFC 8414 metadata', () => {
  it('§2 issuer is the issuer of the tokens, and every endpoint named is there', async () => {
    const { body } = await getJson('/.well-known/oauth-authorization-server');
    const { body: answer } = await token(refresh(grant));
    expect(body.issuer).toBe(claimsOf(answer.access_token).iss);
    for (const name of ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint']) {
      const response = await fetch(String(body[name]), { method: 'POST' });
      expect([name, response.status]).toEqual([name, 415]);
    }
    expect((await fetch(String(body.jwks_uri))).status).toBe(200);
  });

  it('§2 no list of algorithms holds none', async () => {
    const { body } = await getJson('/.well-known/oauth-authorization-server');
    const lists = Object.entries(body).filter(([name]) => name.endsWith('_alg_values_supported'));
    expect(lists.length).toBeGreaterThan(2);
    for (const [, values] of lists) expect(values).not.toContain('none');
  });

  it('§3.2 it is JSON that may be cached, and is the same for everybody', async () => {
    const { headers } = await getJson('/.well-known/oauth-authorization-server');
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('cache-control')).toContain('public');
    expect(headers.get('set-cookie')).toBeNull();
  });

  it('§2 names no grant type that is then refused as unsupported', async () => {
    const { body } = await getJson('/.well-known/oauth-authorization-server');
    for (const name of body.grant_types_supported as string[]) {
      const answer = await token({ grant_type: name, resource: ORDERS });
      expect(answer.body.error).toBe('invalid_request');
    }
  });
});

describe('RFC 9728 protected resource metadata', () => {
  it('§3.3 names the resource that was asked, and an issuer whose metadata is there', async () => {
    const { body } = await getJson('/.well-known/oauth-protected-resource');
    expect(body.resource).toBe(stack.gateway);
    const [issuer] = body.authorization_servers as string[];
    const found = await fetch(`${issuer}/.well-known/openid-configuration`);
    expect(await found.json()).toMatchObject({ issuer });
  });
});

describe('RFC 7517 /jwks', () => {
  it('§4 holds public members only, each key with kid, use and alg', async () => {
    const { body } = await getJson('/jwks');
    const keys = body.keys as Record<string, unknown>[];
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    }
  });
});

describe('RFC 8707 resource indicators', () => {
  it('§2 a relative URI or one with a fragment is invalid_target', async () => {
    for (const resource of ['orders', '/orders', 'api://orders#x', 'https://']) {
      const { status, body } = await token(refresh(grant, { resource }));
      expect([resource, status, body.error]).toEqual([resource, 400, 'invalid_target']);
    }
  });

  it('§2.2 another resource than the granted one is invalid_target', async () => {
    const { body } = await token(refresh(grant, { resource: GRAPH }));
    expect(body.error).toBe('invalid_target');
  });

  it('§2 exactly one is needed, as resource or as audience', async () => {
    const { resource: _, ...none } = refresh(grant);
    expect((await token(none)).body.error).toBe('invalid_request');
    expect((await token({ ...none, audience: ORDERS })).status).toBe(200);
    expect((await token({ ...refresh(grant), audience: ORDERS })).body.error).toBe('invalid_request');
  });
});

describe('RFC 9068 minted access tokens', () => {
  it('§2.1 header: typ at+jwt, an asymmetric algorithm, a kid that /jwks has', async () => {
    const { body } = await token(refresh(grant));
    const header = headerOf(body.access_token);
    const { body: jwks } = await getJson('/jwks');
    expect(header).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect((jwks.keys as { kid: string }[]).map(({ kid }) => kid)).toContain(header.kid);
  });

  it('§2.2 claims: iss, exp, aud, sub, client_id, iat, jti, scope; no claim beyond the allowed', async () => {
    const { body } = await token(refresh(grant));
    const claims = claimsOf(body.access_token);
    expect(Object.keys(claims).sort()).toEqual([
      'act',
      'aud',
      'client_id',
      'exp',
      'iat',
      'iss',
      'jti',
      'oid',
      'scope',
      'sub',
      'tid',
    ]);
    expect(claims.aud).toBe(ORDERS);
    expect(Number(claims.exp) - Number(claims.iat)).toBe(600);
    expect(JSON.stringify(claims)).not.toContain('@');
  });

  it('§2.2 jti is unique', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => token(refresh(grant))));
    const ids = answers.map(({ body }) => claimsOf(body.access_token).jti);
    expect(new Set(ids).size).toBe(10);
  });
});

describe('narrowing at a provider that does not narrow', () => {
  it('a token wider than asked is refused where policy has no allowWider, and nothing is given out', async () => {
    const graph = await allow('alice@contoso.test', 'nightly-report', 'Mail.Read', GRAPH);
    const { status, body } = await token(refresh(graph, { resource: GRAPH }));
    expect([status, body.error]).toEqual([400, 'invalid_scope']);
    expect(body.access_token).toBeUndefined();
  });

  it('what is asked in full is narrowed by nobody and honestly “provider”', async () => {
    const graph = await allow('alice@contoso.test', 'nightly-report', 'Mail.Read User.Read', GRAPH);
    const { body } = await token(refresh(graph, { resource: GRAPH }));
    expect(body).toMatchObject({ narrowing: 'provider', scope: 'Mail.Read User.Read' });
  });
});
