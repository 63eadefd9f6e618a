import { beforeAll, describe, expect, it } from 'vitest';
import { signIn } from '../support/signed_in.js';
import {
  agent,
  allow,
  claimsOf,
  exchange,
  ORDERS,
  ordersApi,
  post,
  refresh,
  report,
  stack,
  token,
} from './support.js';

const USER = 'alice@contoso.test';
let grant: string;
beforeAll(async () => {
  grant = await allow(USER, 'nightly-report', 'orders.read');
});

async function minted(from = grant): Promise<string> {
  return (await token(refresh(from))).body.access_token;
}

describe('RFC 7662 introspection', () => {
  it('§2.2 an access token is active to its client and to its resource’s server, with its claims', async () => {
    const own = await minted();
    const claims = claimsOf(own);
    for (const as of [report, ordersApi]) {
      const { status, body } = await post('/introspect', { token: own }, as);
      expect(status).toBe(200);
      expect(body).toEqual({
        active: true,
        iss: stack.gateway,
        sub: claims.sub,
        client_id: 'nightly-report',
        aud: ORDERS,
        scope: 'orders.read',
        exp: claims.exp,
        iat: claims.iat,
        jti: claims.jti,
        token_type: 'Bearer',
        act: { sub: 'nightly-report' },
      });
    }
  });

  it('§2.2 for anybody else, for an unknown, a cut or a foreign token: active false and nothing more', async () => {
    const own = await minted();
    const answers = [
      await post('/introspect', { token: own }, agent),
      await post('/introspect', { token: own.slice(0, -3) }),
      await post('/introspect', { token: 'unknown' }),
      await post('/introspect', { token: grant }, agent),
    ];
    for (const { status, body } of answers) expect([status, body]).toEqual([200, { active: false }]);
  });

  it('§2.1 the caller must authenticate, and name a token', async () => {
    const anonymous = await post('/introspect', { token: grant }, null);
    expect([anonymous.status, anonymous.body.error]).toEqual([401, 'invalid_client']);
    const empty = await post('/introspect', {});
    expect([empty.status, empty.body.error]).toEqual([400, 'invalid_request']);
  });

  it('a grant is active to its client', async () => {
    const { body } = await post('/introspect', { token: grant });
    expect(body).toMatchObject({
      active: true,
      token_type: 'refresh_token',
      scope: 'orders.read',
      aud: ORDERS,
    });
  });
});

describe('RFC 7009 revocation', () => {
  it('§2.1 an access token: 200, then inactive and no longer exchangeable', async () => {
    const own = await minted();
    const { status, body } = await post('/revoke', { token: own, token_type_hint: 'access_token' });
    expect([status, body]).toEqual([200, undefined]);
    expect((await post('/introspect', { token: own })).body).toEqual({ active: false });
    expect((await token(exchange(own, 'access_token'))).body.error).toBe('invalid_request');
    expect((await post('/introspect', { token: await minted() })).body.active).toBe(true);
  });

  it('§2.2 unknown tokens, wrong hints and other clients’ tokens: 200, and nothing happens', async () => {
    const own = await minted();
    const answers = [
      await post('/revoke', { token: 'unknown' }),
      await post('/revoke', { token: own, token_type_hint: 'colour' }, agent),
      await post('/revoke', { token: grant }, agent),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await post('/introspect', { token: own })).body.active).toBe(true);
    expect((await token(refresh(grant))).status).toBe(200);
  });

  it('§2 a grant ends, and with it the tokens made of it', async () => {
    const other = await allow('bob@contoso.test', 'nightly-report', 'orders.write');
    const own = await minted(other);
    expect(claimsOf(own).scope).toBe('orders.write');
    expect((await post('/revoke', { token: other })).status).toBe(200);
    expect((await token(refresh(other))).body.error).toBe('invalid_grant');
    const bob = await signIn(stack, 'bob@contoso.test');
    const { body } = await bob.send('GET', '/grants?state=all');
    const ended = body.grants.find((entry: { grant_id: string }) => entry.grant_id === other);
    expect(ended).toMatchObject({ state: 'ended', ended_by: 'client' });
  });

  it('§2.1 the caller must authenticate; GET is 405', async () => {
    const anonymous = await post('/revoke', { token: grant }, null);
    expect([anonymous.status, anonymous.body.error]).toEqual([401, 'invalid_client']);
    expect((await fetch(`${stack.gateway}/revoke`)).status).toBe(405);
  });
});
