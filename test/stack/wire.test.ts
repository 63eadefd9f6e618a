import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrokerCredential } from '../../client/broker_credential.js';
import type { StackJson } from '../../local/stack/stack_json.js';
import { appToken, basic, clientOf, postToken, type SignedIn, signIn } from '../support/signed_in.js';
import { removeTemporaryDirs, type StackProcess, startStackProcess } from '../support/stack_process.js';

const GRAPH = 'https://graph.microsoft.test';
const ORDERS = 'api://orders';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const REFRESH_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:refresh_token';

let process_: StackProcess;
let stack: StackJson;
let alice: SignedIn;
let grantId: string;

beforeAll(async () => {
  process_ = startStackProcess();
  stack = await process_.ready;
  alice = await signIn(stack, 'alice@contoso.test');
  const grant = await alice.send('POST', '/grants', {
    client_id: 'nightly-report',
    resource: ORDERS,
    scope: 'orders.read',
    expires_in: 3600,
  });
  grantId = grant.body.grant_id;
});

afterAll(async () => {
  await process_.stop();
  removeTemporaryDirs();
});

describe('standard clients work unchanged', () => {
  it('openid-client discovers the broker (RFC 8414) and redeems a grant_id as refresh token', async () => {
    const client = clientOf(stack, 'nightly-report');
    const config = await openid.discovery(
      new URL(stack.gateway),
      client.client_id,
      client.client_secret,
      undefined,
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    );
    const tokens = await openid.refreshTokenGrant(config, grantId, { resource: ORDERS });
    expect(tokens.scope).toBe('orders.read');
    expect(tokens.expires_in).toBe(600);
    const exchanged = await openid.genericGrantRequest(config, EXCHANGE, {
      subject_token: grantId,
      subject_token_type: REFRESH_TOKEN_TYPE,
      audience: ORDERS,
    });
    expect(exchanged.issued_token_type).toBe('urn:ietf:params:oauth:token-type:access_token');
    expect(exchanged.narrowing).toBe('minted');
  });

  it('oauth4webapi discovers, redeems, and validates the minted token as RFC 9068', async () => {
    const { client_id: id, client_secret: secret } = clientOf(stack, 'nightly-report');
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(stack.gateway);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, found);
    const client = { client_id: id };
    const answer = await oauth.refreshTokenGrantRequest(
      server,
      client,
      oauth.ClientSecretBasic(secret),
      grantId,
      { additionalParameters: { resource: ORDERS }, ...insecure },
    );
    const tokens = await oauth.processRefreshTokenResponse(server, client, answer);
    const request = new Request('http://orders.test/', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    const claims = await oauth.validateJwtAccessToken(server, request, ORDERS, insecure);
    expect(claims.client_id).toBe(id);
    expect(claims.scope).toBe('orders.read');
    expect(claims.act).toEqual({ sub: id });
  });
});

describe('the TokenCredential of client/', () => {
  it('gets tokens for a service with its secret, and with its own app token', async () => {
    const { client_id: clientId, client_secret: clientSecret, ...client } = clientOf(stack, 'nightly-report');
    const options = { tokenUrl: `${stack.gateway}/token`, grantIds: { [ORDERS]: grantId } };
    const app = { ...client, client_id: clientId, client_secret: clientSecret };
    for (const authentication of [{ clientId, clientSecret }, { getAppToken: () => appToken(app) }]) {
      const credential = createBrokerCredential({ ...options, client: authentication });
      const token = await credential.getToken('api://orders/.default');
      expect(token?.expiresOnTimestamp).toBeGreaterThan(Date.now() + 500_000);
    }
  });
});

describe('every way a client may authenticate, and only one at a time', () => {
  const parameters = () => ({ grant_type: 'refresh_token', refresh_token: grantId, resource: ORDERS });

  it('secret by Basic, secret in the form, Entra app token as bearer, Entra app token as assertion', async () => {
    const client = clientOf(stack, 'nightly-report');
    const { client_id, client_secret } = client;
    const token = await appToken(client);
    const assertion = {
      client_assertion: token,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    };
    const answers = [
      await postToken(stack, parameters(), { authorization: basic(client) }),
      await postToken(stack, { ...parameters(), client_id, client_secret }),
      await postToken(stack, parameters(), { authorization: `Bearer ${token}` }),
      await postToken(stack, { ...parameters(), ...assertion }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const both = { ...parameters(), client_id, client_secret };
    const twice = await postToken(stack, both, { authorization: basic(client) });
    expect(twice.status).toBe(400);
    expect(twice.body.error).toBe('invalid_request');
  });

  it('another client cannot use the grant', async () => {
    const other = clientOf(stack, 'mail-agent');
    const { status, body } = await postToken(stack, parameters(), { authorization: basic(other) });
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  });

  it('a client sees the grants given to it with its own app token, and no others', async () => {
    const list = async (id: string) => {
      const token = await appToken(clientOf(stack, id));
      const response = await fetch(`${stack.gateway}/grants`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(200);
      return ((await response.json()) as { grants: { grant_id: string }[] }).grants.map(
        (grant) => grant.grant_id,
      );
    };
    expect(await list('nightly-report')).toContain(grantId);
    expect(await list('mail-agent')).not.toContain(grantId);
  });
});

describe('provider tokens', () => {
  it('are handed on with their true scope, and work', async () => {
    const grant = await alice.send('POST', '/grants', {
      client_id: 'mail-agent',
      resource: GRAPH,
      scope: 'Mail.Read',
    });
    const { status, body } = await postToken(
      stack,
      {
        grant_type: 'refresh_token',
        refresh_token: grant.body.grant_id,
        resource: GRAPH,
        scope: 'Mail.Read',
      },
      { authorization: basic(clientOf(stack, 'mail-agent')) },
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ narrowing: 'none', scope: 'Mail.Read User.Read' });
    const mail = await fetch(`${stack.idp}/graph/v1.0/me/messages`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    });
    expect(mail.status).toBe(200);
  });

  it('say “provider” where the provider does narrow', async () => {
    await fetch(`${stack.idp}/_admin/narrowing`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ on: true }),
    });
    const bob = await signIn(stack, 'bob@contoso.test');
    const asked = { client_id: 'mail-agent', resource: GRAPH, scope: 'Mail.Read' };
    const grant = await bob.send('POST', '/grants', asked);
    const { body } = await postToken(
      stack,
      { grant_type: 'refresh_token', refresh_token: grant.body.grant_id, resource: GRAPH },
      { authorization: basic(clientOf(stack, 'mail-agent')) },
    );
    expect(body).toMatchObject({ narrowing: 'provider', scope: 'Mail.Read' });
  });
});

describe('nothing gets around the gateway', () => {
  it('forged platform headers straight at the host are stripped: 401', async () => {
    const principal = Buffer.from(JSON.stringify({ auth_typ: 'aad', claims: [] })).toString('base64');
    const response = await fetch(`${stack.functions}/connections`, {
      headers: {
        'x-ms-client-principal': principal,
        'x-ms-client-principal-id': stack.users[0]?.oid ?? '',
        'x-ms-client-principal-idp': 'aad',
        'x-ms-token-aad-id-token': 'e30.e30.',
      },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('forged platform headers through the gateway are stripped: 401 from the gateway without a session', async () => {
    const response = await fetch(`${stack.gateway}/connections`, {
      headers: { 'x-ms-client-principal-id': stack.users[0]?.oid ?? '', 'x-ms-client-principal-idp': 'aad' },
    });
    expect(response.status).toBe(401);
  });

  it('a body of 1 MB is refused with 413 and the service goes on', async () => {
    const response = await fetch(`${stack.gateway}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=refresh_token&x=${'a'.repeat(1_000_000)}`,
    });
    expect(response.status).toBe(413);
    expect(((await response.json()) as { error: string }).error).toBe('invalid_request');
    expect((await fetch(`${stack.gateway}/health/ready`)).status).toBe(200);
  });

  it('32 KB of headers come through, on top of what the gateway adds for a session', async () => {
    const { cookie } = alice.browser;
    const response = await fetch(`${stack.gateway}/connections`, {
      headers: { cookie: cookie(stack.gateway), 'x-padding': 'a'.repeat(32 * 1024) },
    });
    expect(response.status).toBe(200);
  });
});
