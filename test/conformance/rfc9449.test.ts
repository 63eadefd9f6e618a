import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  allow,
  claimsOf,
  exchange,
  GRAPH,
  ORDERS,
  ordersApi,
  post,
  refresh,
  report,
  stack,
  token,
} from './support.js';

type Key = Awaited<ReturnType<typeof newKey>>;

async function newKey() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { jwk, privateKey, privateJwk: await exportJWK(privateKey), jkt: await calculateJwkThumbprint(jwk) };
}

let grant: string;
let key: Key;
beforeAll(async () => {
  grant = await allow('alice@contoso.test', 'nightly-report', 'orders.read');
  key = await newKey();
});

const seconds = () => Math.floor(Date.now() / 1000);

function proof(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  by = key,
): Promise<string> {
  const payload = {
    htm: 'POST',
    htu: `${stack.gateway}/token`,
    iat: seconds(),
    jti: randomUUID(),
    ...claims,
  };
  return new SignJWT(payload as JWTPayload)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: by.jwk, ...header })
    .sign(by.privateKey);
}

async function send(dpop: string, parameters = refresh(grant)) {
  return token(parameters, report, { dpop });
}

describe('RFC 9449 §5 a bound token', () => {
  it('is of type DPoP, carries the thumbprint, and a nonce comes along for the next proof', async () => {
    const { status, headers, body } = await send(await proof());
    expect([status, body.token_type]).toEqual([200, 'DPoP']);
    expect(claimsOf(body.access_token).cnf).toEqual({ jkt: key.jkt });
    const nonce = headers.get('dpop-nonce') ?? '';
    expect(nonce).toMatch(/^[\w-]{32}$/);
    expect((await send(await proof({ nonce }))).status).toBe(200);
  });

  it('is not to be had where nobody would check it: a provider’s own token', async () => {
    const graph = await allow('alice@contoso.test', 'nightly-report', 'Mail.Read User.Read', GRAPH);
    const { body } = await send(await proof(), refresh(graph, { resource: GRAPH }));
    expect(body.error).toBe('invalid_target');
  });

  it('§6.2 introspection shows cnf', async () => {
    const { body } = await send(await proof());
    const answer = await post('/introspect', { token: body.access_token }, ordersApi);
    expect(answer.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } });
  });

  it('is exchanged only by who proves the same key', async () => {
    const { body } = await send(await proof());
    const bound = exchange(body.access_token, 'access_token');
    expect((await token(bound)).body.error).toBe('invalid_request');
    expect((await send(await proof({}, {}, await newKey()), bound)).body.error).toBe('invalid_request');
    const again = await send(await proof(), bound);
    expect(claimsOf(again.body.access_token).cnf).toEqual({ jkt: key.jkt });
  });
});

describe('RFC 9449 §4.3 a proof is refused as invalid_dpop_proof', () => {
  const cases: Record<string, () => Promise<string>> = {
    '(1) two proofs': async () => `${await proof()}, ${await proof()}`,
    '(2) no JWT': async () => 'proof',
    '(3) no jti': () => proof({ jti: undefined }),
    '(3) no htm': () => proof({ htm: undefined }),
    '(3) no htu': () => proof({ htu: undefined }),
    '(3) no iat': () => proof({ iat: undefined }),
    '(4) another typ': () => proof({}, { typ: 'JWT' }),
    '(5) unsigned': async () => {
      const [, payload] = (await proof()).split('.');
      const header = { alg: 'none', typ: 'dpop+jwt', jwk: key.jwk };
      return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.`;
    },
    '(5) a symmetric algorithm, keyed with the public key': () =>
      new SignJWT({ htm: 'POST', htu: `${stack.gateway}/token`, iat: seconds(), jti: randomUUID() })
        .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: key.jwk })
        .sign(Buffer.from(JSON.stringify(key.jwk))),
    '(6) signed by another key': async () => proof({}, { jwk: (await newKey()).jwk }),
    '(7) a private key in the header': async () => proof({}, { jwk: key.privateJwk }),
    '(7) no key in the header': () => proof({}, { jwk: undefined }),
    '(8) another method': () => proof({ htm: 'GET' }),
    '(9) another address': () => proof({ htu: `${stack.functions}/token` }),
    '(9) another path': () => proof({ htu: `${stack.gateway}/tokens` }),
    '(11) too old': () => proof({ iat: seconds() - 300 }),
    '(11) from the future': () => proof({ iat: seconds() + 300 }),
  };

  it.each(Object.keys(cases))('%s', async (name) => {
    const { status, body } = await send((await cases[name]?.()) ?? '');
    expect([status, body.error]).toEqual([400, 'invalid_dpop_proof']);
  });

  it('(10) a nonce that is not ours: use_dpop_nonce, with one to use', async () => {
    const { status, headers, body } = await send(await proof({ nonce: 'x'.repeat(32) }));
    expect([status, body.error]).toEqual([400, 'use_dpop_nonce']);
    const nonce = headers.get('dpop-nonce') ?? '';
    expect((await send(await proof({ nonce }))).status).toBe(200);
  });

  it('§11.1 seen before: of ten at the same time one passes', async () => {
    const once = await proof();
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(once)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('the address is the broker’s configured one, whatever host the request claims', async () => {
    const dpop = await proof({ htu: 'https://evil.test/token' });
    const { body } = await token(refresh(grant), report, { dpop, 'x-forwarded-host': 'evil.test' });
    expect(body.error).toBe('invalid_dpop_proof');
  });
});

describe('RFC 9449 §5.1 metadata and clients', () => {
  it('oauth4webapi gets a bound token unchanged', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(stack.gateway);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, found);
    expect(server.dpop_signing_alg_values_supported).toContain('ES256');
    const client = { client_id: report.client_id };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const answer = await oauth.refreshTokenGrantRequest(
      server,
      client,
      oauth.ClientSecretBasic(report.client_secret),
      grant,
      { DPoP, additionalParameters: { resource: ORDERS }, ...insecure },
    );
    const tokens = await oauth.processRefreshTokenResponse(server, client, answer);
    expect(tokens.token_type).toBe('dpop');
  });
});
