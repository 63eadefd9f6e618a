import { ConfidentialClientApplication } from '@azure/msal-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ALICE,
  BROKER,
  directory as base,
  REPORT,
  SECRET,
  TID,
} from '../../identity_provider/support/directory.js';
import { ACCESS_TOKEN_TYPE, refreshForm, TOKEN_EXCHANGE } from '../support/calls.js';
import { sessionHeaders, withEmbedded } from '../support/embedded.js';
import { ORDERS } from '../support/samples.js';
import { startTlsFront, type TlsFront } from '../support/tls_front.js';

const REDIRECT = 'http://localhost:9999/cb';
const SCOPE = 'api://token-broker';

// MSAL talks to nobody without TLS; the certificate is this test's own, and this process runs nothing else.
let front: TlsFront;
beforeAll(() => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
});
afterAll(async () => {
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  await front.close();
});

const on = withEmbedded({
  directory: {
    ...base,
    apps: base.apps.map((app) => (app.app_id === BROKER ? { ...app, pre_authorized: [REPORT] } : app)),
  },
  issuerPath: `/${TID}/v2.0`,
  policy: {
    resources: { [ORDERS]: { narrowing: 'minted', scopes: ['orders.read'] } },
    clients: { report: { auth: { entraAppId: REPORT }, resources: { [ORDERS]: ['orders.read'] } } },
  },
  env: {
    BROKER_AAD_CLIENT_ID: BROKER,
    BROKER_AAD_CLIENT_SECRET: SECRET,
    BROKER_AUDIENCES: `${SCOPE},${BROKER}`,
  },
  provider: async () => {
    front = await startTlsFront();
    return { port: 0, publicUrl: front.url };
  },
});

let msal: ConfidentialClientApplication;
let grantId: string;
beforeAll(async () => {
  front.leadTo(on.idp.port);
  msal = new ConfidentialClientApplication({
    auth: {
      clientId: REPORT,
      clientSecret: 'report-secret',
      authority: `${front.url}/${TID}`,
      knownAuthorities: [new URL(front.url).host],
    },
  });
  const { body } = await on.idp.signIn('openid profile offline_access');
  const made = await on.call('createGrant', {
    method: 'POST',
    headers: { ...sessionHeaders(ALICE, body), 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'report', resource: ORDERS, scope: 'orders.read' }),
  });
  grantId = made.body.grant_id;
});

async function appToken(): Promise<string> {
  const result = await msal.acquireTokenByClientCredential({ scopes: [`${SCOPE}/.default`] });
  return result?.accessToken ?? '';
}

async function userTokens() {
  const scopes = [`${SCOPE}/access_as_user`];
  const url = await msal.getAuthCodeUrl({ scopes, redirectUri: REDIRECT, loginHint: 'alice@contoso.test' });
  const answer = await fetch(url, { redirect: 'manual' });
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
  return msal.acquireTokenByCode({ scopes, redirectUri: REDIRECT, code });
}

describe('a service that takes its tokens with @azure/msal-node, from a provider behind TLS', () => {
  it('is let in by its app token, as bearer', async () => {
    const answer = await on.token(refreshForm(grantId), { authorization: `Bearer ${await appToken()}` });
    expect(answer).toMatchObject({ status: 200, body: { narrowing: 'minted', scope: 'orders.read' } });
  });

  it('is let in by its app token, as client_assertion', async () => {
    const form = {
      ...refreshForm(grantId),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await appToken(),
    };
    expect((await on.token(form, {})).status).toBe(200);
  });

  it('exchanges the token of the user who signed in to it', async () => {
    const { accessToken } = await userTokens();
    const form = {
      grant_type: TOKEN_EXCHANGE,
      subject_token: accessToken,
      subject_token_type: ACCESS_TOKEN_TYPE,
      resource: ORDERS,
    };
    const answer = await on.token(form, { authorization: `Bearer ${await appToken()}` });
    expect(answer).toMatchObject({ status: 200, body: { scope: 'orders.read' } });
    const [, claims = ''] = String(answer.body.access_token).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ tid: TID, oid: ALICE });
  });

  it('is refused with the user’s token for its own, and the app’s for the user’s', async () => {
    const { accessToken } = await userTokens();
    const wrong = await on.token(refreshForm(grantId), { authorization: `Bearer ${accessToken}` });
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    const form = {
      grant_type: TOKEN_EXCHANGE,
      subject_token: await appToken(),
      subject_token_type: ACCESS_TOKEN_TYPE,
      resource: ORDERS,
    };
    const answer = await on.token(form, { authorization: `Bearer ${await appToken()}` });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });
});
